// THE layout of guest CPU state in the machine's one linear memory. Every engine, every semantics and every
// TypeScript function of cpu/ finds a register here and nowhere else. Addresses are bytes from 0.

// General registers, Intel's order; the high byte registers are the cell + 1.
export const EAX = 0
export const ECX = 1
export const EDX = 2
export const EBX = 3
export const ESP = 4
export const EBP = 5
export const ESI = 6
export const EDI = 7
export const GPR = 0x100
/** Address of the 32-bit cell of general register n (0-7). */
export const gprCell = (n: number) => GPR + 4 * n
/** Address of the byte cell of 8-bit register n in encoding order (AL CL DL BL AH CH DH BH). */
export const gpr8Cell = (n: number) => (n < 4 ? GPR + 4 * n : GPR + 4 * (n - 4) + 1)

export const EIP = 0x120
// Arithmetic flags, lazily: see cpu/eflags.ts.
export const FLAG_RESULT = 0x124
export const FLAG_AUX = 0x128
/** Of flags that go from one translated region to the next: second operand, and kind (semantics/flag-kinds.ts; RAW outside). */
export const FLAG_B = 0x1c4
export const FLAG_KIND = 0x1c8
/** EFLAGS without the six arithmetic flags: TF IF DF IOPL NT RF VM AC VIF VIP ID, and bit 1 set. */
export const FLAGS = 0x12c

// The engine's bookkeeping.
export const BUDGET = 0x130 // instructions that may still retire in this slice
export const FAULT = 0x134 // 0, or vector + 1 of an exception raised by the current instruction
/** FAULT: not an exception. The instruction has had no effect and is to be executed again, by itself. */
export const RETRY = 0x10000
/** FAULT: not an exception. Translated code changes no code: the instruction has had no effect and is left to the run loop. */
export const CHANGES_CODE = 0x20000
export const FAULT_ERROR = 0x138 // its error code
export const FAULT_HAS_ERROR = 0x13c
export const ZERO = 0x140 // always 0: the base or index register of an operand that has none
export const SHADOW = 0x144 // low 32 bits of the retired count at which SHADOW_KIND holds
/**
 * 0 none; interrupts are held back behind 1 STI, 2 MOV SS or POP SS (debug traps too); 3 between two iterations of a
 * repeated string instruction, where nothing is held back.
 */
export const SHADOW_KIND = 0x148
export const SHADOW_REPEATING = 3
export const INTR = 0x14c // 1 while the interrupt controller asks for attention
export const SLICE_END = 0x150 // low 32 bits of the retired count at which BUDGET reaches 0
export const MODE = 0x158 // execution mode of translated code, see cpu/mode.ts
export const STACK_MASK = 0x15c // 0xffffffff or 0xffff by SS.B
export const CPL = 0x160
export const TLB_READ = 0x164 // address of the read table in force (user or supervisor)
export const TLB_WRITE = 0x168
export const CODE_TABLE = 0x16c // address of the code table in force
export const FAULT_LINEAR = 0x170 // linear address of a page fault (copied to CR2 on delivery)
export const SITE = 0x1c0 // place at which hot code was given up (engine/sites.ts), 0 for none
/**
 * Instructions retired in the counted window of 64 MiB of linear addresses, modulo 2^32; exact whenever the engine has been
 * left. VMMs lie there.
 */
export const WINDOW_COUNT = 0x1cc
const COUNTED_WINDOW = 0xbc000000
export const WINDOW_SHIFT = 26
export const WINDOW_NUMBER = COUNTED_WINDOW >>> WINDOW_SHIFT
/** Whether a linear address lies in the counted window. */
export const isCounted = (linear: number) => linear >>> WINDOW_SHIFT === WINDOW_NUMBER
/** From a translated region to whoever goes on: EXIT_* + 1, or the number of an exit that goes on (engine/links.ts). */
export const LEAVING = 0x1d0
/** Budget down to which translated code goes on by links; then the core has a look. Never less than BUDGET_LIMIT. */
export const FLOOR = 0x1d8
/** The model's generation (cpu/models.ts), for what an 80386 does otherwise. */
export const GENERATION = 0x1d4
/** Times that translated code may still be left for an access until the engine's owner is told of one. */
export const REFUSALS = 0x1dc
export const LINK = 0x174 // a record the engine asks its owner about
/** Not 0 when the engine must return before the next instruction: set by whoever wants its attention. */
export const ATTENTION = 0x178
export const HEAT = 0x17c // taken branches until the cold engine charges one head for all of them
export const SCRATCH = 0x180 // 64 bytes for results of procedures (second results, bounce buffer)

// Segment registers, Intel's encoding order, then LDTR and TR: eight cells each.
export const ES = 0
export const CS = 1
export const SS = 2
export const DS = 3
export const FS = 4
export const GS = 5
export const LDTR = 6
export const TR = 7
export const SEGMENT = 0x200
export const SEGMENT_STRIDE = 0x20
export const SEG_SELECTOR = 0x00
export const SEG_BASE = 0x04
// Offsets that may be read and written: LOW <= offset <= HIGH - (bytes - 1). Empty (LOW 1, HIGH 0) when the rights forbid.
export const SEG_READ_LOW = 0x08
export const SEG_READ_HIGH = 0x0c
export const SEG_WRITE_LOW = 0x10
export const SEG_WRITE_HIGH = 0x14
export const SEG_LIMIT = 0x18 // effective limit in bytes
export const SEG_RIGHTS = 0x1c // descriptor bytes 5 and 6 as in `state` of the library; bit 16: null or unusable
export const segmentCell = (n: number, field: number) => SEGMENT + SEGMENT_STRIDE * n + field

export const GDTR_BASE = 0x300
export const GDTR_LIMIT = 0x304
export const IDTR_BASE = 0x308
export const IDTR_LIMIT = 0x30c
export const CR0 = 0x310
export const NMI_BLOCKED = 0x314 // 1 from the delivery of an NMI to the next IRET
export const CR2 = 0x318
export const CR3 = 0x31c
export const CR4 = 0x320
export const DR = 0x330 // DR0-DR7, 32 bytes
export const MSR_SYSENTER_CS = 0x350
export const MSR_SYSENTER_ESP = 0x354
export const MSR_SYSENTER_EIP = 0x358
export const MSR_APIC_BASE = 0x35c // low 32 bits
export const TSC_OFFSET = 0x360 // i64, added to the virtual time
export const MSR_PAT = 0x368 // i64
export const MSR_MISC_ENABLE = 0x370 // i64
export const PDPTE = 0x380 // four i64, loaded at CR3 writes in PAE mode

// x87: physical registers R0-R7, 16 bytes each: significand i64 at +0, sign and exponent u16 at +8.
export const FPU_REGISTER = 0x400
export const FPU_CONTROL = 0x480 // u16
export const FPU_STATUS = 0x484 // u16 without TOP (bits 11-13 read as 0)
export const FPU_TOP = 0x488
export const FPU_VALID = 0x48c // bit i set: physical register i is not empty
export const FPU_OPCODE = 0x490
export const FPU_IP = 0x494
export const FPU_CS = 0x498
export const FPU_DP = 0x49c
export const FPU_DS = 0x4a0
/** MMX register n is the significand of physical register n. */
export const mmCell = (n: number) => FPU_REGISTER + 16 * n

export const MXCSR = 0x4b0
export const XMM = 0x500 // XMM0-XMM7, 16 bytes each
export const xmmCell = (n: number) => XMM + 16 * n

/** End of the CPU state; everything from 0x100 up to here is architectural or derived from it. */
export const STATE_END = 0x600

// What is not architectural but translated code has to know as well: reset and snapshots leave it alone.
/** Pages of guest RAM from 1 MiB on, without a gap; 0 while physical addresses cannot be told from them. */
export const PLAIN_PAGES = 0x600
/** 1 while data breakpoints or watchpoints keep pages out of the translation tables. */
export const WATCHING = 0x604
/** 1 where a monitor below the guest is asked about faults and shows control registers. */
export const MONITORED = 0x608
/** 1 where somebody is asked or told about deliveries through the IDT. */
export const DELIVERY_WATCHED = 0x60c
/** Low 32 bits of the retired count at which a set RF still holds. */
export const RESUME_AT = 0x610
/** 1 if TF was set before the current single step, and nothing has been delivered since. */
export const TRACING = 0x614
/** Entries of the two lists of filled pages below. */
export const TLB_COUNT = 0x618
export const TLB_GLOBAL_COUNT = 0x61c
/** 1 if some region of 4 MiB is marked in TLB_LARGE. */
export const TLB_ANY_LARGE = 0x620
/** MODE (what decoded code depends on) that the code tables below were filled under. */
export const CODE_USER_MODE = 0x624
export const CODE_SUPERVISOR_MODE = 0x628
/**
 * Instructions retired at CPL 3, modulo 2^32: while CPL is 3 the retired count is to be added. Bookkeeping is done where
 * the mode changes.
 */
export const USER_RETIRED = 0x62c
/** 1 where somebody is told of each translation that is dropped. */
export const FLUSH_WATCHED = 0x630
// Counts, each an f64: translations found by a page walk, and dropped one by one; see Cpu for the others.
export const TLB_FILLS = 0x640
export const TLB_INVALIDATIONS = 0x648
export const EXCEPTION_COUNTS = 0x1000
export const OPERATION_COUNTS = 0x1100
export const INTERRUPT_COUNTS = 0x1800
export const SOFTWARE_COUNTS = 0x2000

// Bookkeeping of the translation tables, see cpu/tlb.ts. Linear pages with entries, one i32 each, and those of global pages.
export const TLB_LIST = 0x100000
export const TLB_GLOBAL_LIST = 0x500000
/** One byte for each linear page: which lists it is on. */
export const TLB_LISTED = 0x900000
/** One byte for each 4 MiB of linear addresses: 1 with an entry that came from a large page. */
export const TLB_LARGE = 0xa00000
/** One byte for each page of linear memory: 1 where it holds translated code; 1 where some write entry may lead to it. */
export const HOST_CODE = 0xa80000
export const HOST_WRITTEN = 0xb00000
/**
 * Two i32 for each page of linear memory: the table of its decoded flat code that was in force last, and what that belongs
 * to: linear page | MODE_OF_CODE (cpu/mode.ts), or 0.
 */
export const HOST_TABLE = 0xc00000

// The machine's linear memory beyond the state page.
// Four translation tables (user and supervisor, read and write), one i32 for each linear page:
// entry = host page - linear page - TLB_VALID for plain memory with the rights, so that its low 12 bits are TLB_VALID;
// TLB_VALID + 1 in the write table of a page that holds translated code; 0 for everything else (slow path).
// Fast access to n bytes at a: ((T[a >>> 12] | (a & (n - 1))) & 0xfff) == TLB_VALID, then load at a + T, offset TLB_VALID.
export const TLB_VALID = 0x800
export const TLB_CODE = 1
export const TLB_BYTES = 0x400000
export const TLB_USER_READ = 0x1000000
export const TLB_USER_WRITE = TLB_USER_READ + TLB_BYTES
export const TLB_SUPERVISOR_READ = TLB_USER_READ + 2 * TLB_BYTES
export const TLB_SUPERVISOR_WRITE = TLB_USER_READ + 3 * TLB_BYTES
/** For each linear page the address of its table of decoded instructions, or 0: see engine/code-cache.ts. */
export const CODE_USER = TLB_USER_READ + 4 * TLB_BYTES
export const CODE_SUPERVISOR = TLB_USER_READ + 5 * TLB_BYTES
/** Decoded instructions and their tables. */
export const CODE_CACHE = TLB_USER_READ + 6 * TLB_BYTES
export const CODE_CACHE_BYTES = 0x3000000
/**
 * One i32 for each record of the code cache: of those that head a translated region table index << 16 | handler, of
 * intercepted ones the handler.
 */
export const HOT_INDEX = CODE_CACHE + CODE_CACHE_BYTES
/**
 * Where translated code goes on, hashed by offset: pairs of the address of a table entry (code-cache.ts) and the core's
 * table index of the region that its record heads.
 */
export const JUMP_CACHE = HOT_INDEX + CODE_CACHE_BYTES / 8
export const JUMP_CACHE_ENTRIES = 4096
/** One i32 for each exit of translated code: engine/links.ts. */
export const LINKS = JUMP_CACHE + 8 * JUMP_CACHE_ENTRIES
export const LINK_COUNT = 0x40000
/** One byte for each 64 bytes of linear memory (address >>> 6): not 0 where decoded guest code came from. */
export const CODE_MAP = 0x6000000
/** Guest-physical memory: RAM from physical 0, then pages of ROM and device memory that can be executed or read plainly. */
export const RAM = 0x8000000
