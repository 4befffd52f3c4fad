// The table of sensitive classes: every kind of instruction that reads or changes privileged state of an IA-32
// processor, whether or not it traps when a deprivileged kernel executes it, and every kind of store that a virtual
// machine monitor must know of. Afterburner, rewriter, CPU interception and inspector share it.
// Intel SDM volume 2 (mnemonics, operation) and volume 3, 2.8 and 5.9 (privilege). Left out: VMX, SMX, SGX, 64-bit
// mode. Class numbers are stored in images: a number is never given another meaning.

/** Raises #GP(0) at any CPL but 0 (#UD in the case of STAC and CLAC). */
const PRIVILEGED = 'privileged'
/** Raises #GP(0) when CPL is greater than IOPL (I/O instructions: unless the I/O bitmap allows the port). */
const IOPL_SENSITIVE = 'iopl'
/** Need not trap: it silently shows or changes something else than the kernel means. */
const UNPRIVILEGED = 'unprivileged'
/** A store to a table that the processor reads by itself: sensitive by its address, not by its opcode. */
export const TABLE_STORE = 'table-store'
export type Privilege = typeof PRIVILEGED | typeof IOPL_SENSITIVE | typeof UNPRIVILEGED | typeof TABLE_STORE

/** What an operand must be for the instruction to belong to the class; `from` is the source, `to` the destination. */
export interface OperandRule {
  /** A register of this kind; `far`: a selector and an offset, immediate or in memory. */
  readonly kind: 'control' | 'debug' | 'segment' | 'far'
  readonly position: 'from' | 'to'
}

/** One class. */
export interface SensitiveClass {
  /** 1 to 255, as stored in a site's record. */
  readonly number: number
  /** Unique; the assembler macro that makes such a site is afterburn_NAME. */
  readonly name: string
  readonly privilege: Privilege
  /** Mnemonics of the SDM, lower case; empty for table stores, whatever instruction does them. */
  readonly instructions: readonly string[]
  /** The same in AT&T syntax, with every size suffix that the assembler knows. */
  readonly spellings: readonly string[]
  /** Where the mnemonic alone does not decide. */
  readonly operand?: OperandRule
  /** Smallest length of a site in bytes: the longest thing that replaces it. */
  readonly room: number
  /** What the room is for. */
  readonly why: string
}

/** `call [absolute]`, FF /2 with a 32-bit displacement: position independent, one form for all sites. */
export const CALL_BYTES = 6
/** A call, and behind it a 16-bit number that tells the called routine what the operands were. */
export const CALL_WITH_OPERANDS_BYTES = 8

const CALL = { room: CALL_WITH_OPERANDS_BYTES, why: 'call [absolute], or an inline form of up to eight bytes' }
const OPERANDS = { room: CALL_WITH_OPERANDS_BYTES, why: 'call [absolute] and a 16-bit number of the operands' }
const MOVE = { room: CALL_WITH_OPERANDS_BYTES, why: 'inline move to or from memory (7 bytes), or a call with operands' }
const LEAVE = { room: CALL_BYTES, why: 'jmp [absolute]; control does not come back behind the site' }

/** Expands `mov(l,w)` to mov, movl, movw. */
function expand(pattern: string): string[] {
  return pattern.split(' ').flatMap(word => {
    const [, stem = word, suffixes] = /^(\w+)\(([a-z,]+)\)$/.exec(word) ?? []
    return suffixes === undefined ? [stem] : [stem, ...suffixes.split(',').map(suffix => stem + suffix)]
  })
}

interface Size {
  readonly room: number
  readonly why: string
}

function define(
  number: number,
  name: string,
  privilege: Privilege,
  instructions: string,
  spellings: string,
  size: Size,
  rule?: string,
): SensitiveClass {
  const split = (text: string) => (text === '' ? [] : text.split(' '))
  const [position, kind] = (rule?.split(' ') ?? []) as [OperandRule['position'], OperandRule['kind']]
  return {
    number,
    name,
    privilege,
    instructions: split(instructions),
    spellings: spellings === '' ? [] : expand(spellings),
    ...size,
    ...(rule === undefined ? {} : { operand: { kind, position } }),
  }
}

/** All classes, in the order of their numbers. */
export const SENSITIVE_CLASSES: readonly SensitiveClass[] = [
  define(1, 'cli', IOPL_SENSITIVE, 'cli', 'cli', { room: 8, why: 'movb $0, [virtual IF] (7), or a call' }),
  define(2, 'sti', IOPL_SENSITIVE, 'sti', 'sti', CALL),
  // STI with the HLT, MWAIT or SYSEXIT that runs in its shadow: padding between the two would let an interrupt in.
  define(3, 'sti_wait', IOPL_SENSITIVE, '', '', CALL),
  define(4, 'pushf', UNPRIVILEGED, 'pushf pushfd', 'pushf(l,w)', CALL),
  define(5, 'popf', UNPRIVILEGED, 'popf popfd', 'popf(l,w)', CALL),
  define(6, 'hlt', PRIVILEGED, 'hlt', 'hlt', CALL),
  define(7, 'iret', UNPRIVILEGED, 'iret iretd', 'iret(l,w)', LEAVE),
  define(8, 'in', IOPL_SENSITIVE, 'in', 'in(b,w,l)', OPERANDS),
  define(9, 'out', IOPL_SENSITIVE, 'out', 'out(b,w,l)', OPERANDS),
  define(10, 'ins', IOPL_SENSITIVE, 'ins insb insw insd', 'ins(b,w,l)', OPERANDS),
  define(11, 'outs', IOPL_SENSITIVE, 'outs outsb outsw outsd', 'outs(b,w,l)', OPERANDS),
  define(12, 'mov_from_control', PRIVILEGED, 'mov', 'mov(l)', OPERANDS, 'from control'),
  define(13, 'mov_to_control', PRIVILEGED, 'mov', 'mov(l)', OPERANDS, 'to control'),
  define(14, 'mov_from_debug', PRIVILEGED, 'mov', 'mov(l)', OPERANDS, 'from debug'),
  define(15, 'mov_to_debug', PRIVILEGED, 'mov', 'mov(l)', OPERANDS, 'to debug'),
  define(16, 'clts', PRIVILEGED, 'clts', 'clts', CALL),
  define(17, 'lmsw', PRIVILEGED, 'lmsw', 'lmsw(w)', OPERANDS),
  define(18, 'smsw', UNPRIVILEGED, 'smsw', 'smsw(w,l)', OPERANDS),
  define(19, 'invlpg', PRIVILEGED, 'invlpg', 'invlpg', OPERANDS),
  define(20, 'cpuid', UNPRIVILEGED, 'cpuid', 'cpuid', CALL),
  define(21, 'rdmsr', PRIVILEGED, 'rdmsr', 'rdmsr', CALL),
  define(22, 'wrmsr', PRIVILEGED, 'wrmsr', 'wrmsr', CALL),
  define(23, 'rdtsc', UNPRIVILEGED, 'rdtsc', 'rdtsc', CALL),
  define(24, 'rdtscp', UNPRIVILEGED, 'rdtscp', 'rdtscp', CALL),
  define(25, 'rdpmc', UNPRIVILEGED, 'rdpmc', 'rdpmc', CALL),
  define(26, 'lgdt', PRIVILEGED, 'lgdt', 'lgdt(l,w)', OPERANDS),
  define(27, 'sgdt', UNPRIVILEGED, 'sgdt', 'sgdt(l,w)', OPERANDS),
  define(28, 'lidt', PRIVILEGED, 'lidt', 'lidt(l,w)', OPERANDS),
  define(29, 'sidt', UNPRIVILEGED, 'sidt', 'sidt(l,w)', OPERANDS),
  define(30, 'lldt', PRIVILEGED, 'lldt', 'lldt(w)', OPERANDS),
  define(31, 'sldt', UNPRIVILEGED, 'sldt', 'sldt(w,l)', OPERANDS),
  define(32, 'ltr', PRIVILEGED, 'ltr', 'ltr(w)', OPERANDS),
  define(33, 'str', UNPRIVILEGED, 'str', 'str(w,l)', OPERANDS),
  define(34, 'mov_to_segment', UNPRIVILEGED, 'mov', 'mov(l,w)', MOVE, 'to segment'),
  define(35, 'mov_from_segment', UNPRIVILEGED, 'mov', 'mov(l,w)', MOVE, 'from segment'),
  define(36, 'push_segment', UNPRIVILEGED, 'push', 'push(l,w)', MOVE, 'from segment'),
  define(37, 'pop_segment', UNPRIVILEGED, 'pop', 'pop(l,w)', MOVE, 'to segment'),
  define(
    38,
    'load_far_pointer',
    UNPRIVILEGED,
    'lds les lfs lgs lss',
    'lds(l,w) les(l,w) lfs(l,w) lgs(l,w) lss(l,w)',
    OPERANDS,
  ),
  define(39, 'lar', UNPRIVILEGED, 'lar', 'lar(l,w)', OPERANDS),
  define(40, 'lsl', UNPRIVILEGED, 'lsl', 'lsl(l,w)', OPERANDS),
  define(41, 'verr', UNPRIVILEGED, 'verr', 'verr(w)', OPERANDS),
  define(42, 'verw', UNPRIVILEGED, 'verw', 'verw(w)', OPERANDS),
  define(43, 'arpl', UNPRIVILEGED, 'arpl', 'arpl(w)', OPERANDS),
  define(44, 'far_jump', UNPRIVILEGED, 'jmp', 'ljmp(l,w)', LEAVE, 'to far'),
  define(45, 'far_call', UNPRIVILEGED, 'call', 'lcall(l,w)', OPERANDS, 'to far'),
  define(46, 'far_return', UNPRIVILEGED, 'retf', 'lret(l,w) retf', LEAVE),
  define(47, 'int', UNPRIVILEGED, 'int', 'int', OPERANDS),
  define(48, 'into', UNPRIVILEGED, 'into', 'into', CALL),
  define(49, 'sysenter', UNPRIVILEGED, 'sysenter syscall', 'sysenter syscall', LEAVE),
  define(50, 'sysexit', PRIVILEGED, 'sysexit sysret', 'sysexit sysret(l)', LEAVE),
  define(51, 'invd', PRIVILEGED, 'invd', 'invd', CALL),
  define(52, 'wbinvd', PRIVILEGED, 'wbinvd wbnoinvd', 'wbinvd wbnoinvd', CALL),
  define(53, 'monitor', PRIVILEGED, 'monitor', 'monitor', CALL),
  define(54, 'mwait', PRIVILEGED, 'mwait', 'mwait', CALL),
  define(55, 'xgetbv', UNPRIVILEGED, 'xgetbv', 'xgetbv', CALL),
  define(56, 'xsetbv', PRIVILEGED, 'xsetbv', 'xsetbv', CALL),
  define(57, 'clac', PRIVILEGED, 'clac stac', 'clac stac', CALL),
  define(58, 'invpcid', PRIVILEGED, 'invpcid', 'invpcid', OPERANDS),
  define(59, 'xsaves', PRIVILEGED, 'xsaves xrstors', 'xsaves xrstors', OPERANDS),
  define(60, 'rsm', PRIVILEGED, 'rsm', 'rsm', CALL),
  define(61, 'rdpkru', UNPRIVILEGED, 'rdpkru wrpkru', 'rdpkru wrpkru', CALL),

  // FPU state: the processor's own on hardware, trap and xen; the image of a user context on l4 and linux.
  define(
    70,
    'fpu_save',
    UNPRIVILEGED,
    'fnsave fxsave xsave xsaveopt xsavec',
    'fnsave(s,l) fxsave xsave xsaveopt xsavec',
    OPERANDS,
  ),
  define(71, 'fpu_restore', UNPRIVILEGED, 'frstor fxrstor xrstor', 'frstor(s,l) fxrstor xrstor', OPERANDS),
  define(72, 'fpu_init', UNPRIVILEGED, 'fninit', 'fninit', CALL),
  define(73, 'fpu_load_control', UNPRIVILEGED, 'fldcw ldmxcsr', 'fldcw(w) ldmxcsr', OPERANDS),
  define(74, 'fpu_store_control', UNPRIVILEGED, 'fnstcw fnstsw stmxcsr', 'fnstcw(w) fnstsw(w) stmxcsr', OPERANDS),
  define(75, 'fpu_environment', UNPRIVILEGED, 'fnstenv fldenv', 'fnstenv(s,l) fldenv(s,l)', OPERANDS),
  define(76, 'fpu_clear', UNPRIVILEGED, 'fnclex emms', 'fnclex emms', CALL),

  // Stores that a header declares, or that a profile found.
  define(80, 'pte_write', TABLE_STORE, '', '', OPERANDS),
  define(81, 'directory_write', TABLE_STORE, '', '', OPERANDS),
  define(82, 'pte_write_protect', TABLE_STORE, '', '', OPERANDS),
  define(83, 'directory_copy', TABLE_STORE, '', '', OPERANDS),
  define(84, 'pte_clear_accessed', TABLE_STORE, '', '', OPERANDS),
  define(85, 'gdt_write', TABLE_STORE, '', '', OPERANDS),
  define(86, 'idt_write', TABLE_STORE, '', '', OPERANDS),
  define(87, 'ldt_write', TABLE_STORE, '', '', OPERANDS),
  define(88, 'tls_write', TABLE_STORE, '', '', OPERANDS),
  define(89, 'system_descriptor_write', TABLE_STORE, '', '', OPERANDS),
  // A store that was seen to hit one of these tables, and that no header declares.
  define(90, 'profiled_store', TABLE_STORE, '', '', OPERANDS),
]

/** Spellings that stand for WAIT and the instruction on the right (SDM volume 2, FINIT, FSAVE and so on). */
export const WAITING_SPELLINGS: Readonly<Record<string, string>> = {
  finit: 'fninit',
  fsave: 'fnsave',
  fsaves: 'fnsaves',
  fsavel: 'fnsavel',
  fclex: 'fnclex',
  fstcw: 'fnstcw',
  fstcww: 'fnstcww',
  fstsw: 'fnstsw',
  fstsww: 'fnstsww',
  fstenv: 'fnstenv',
  fstenvs: 'fnstenvs',
  fstenvl: 'fnstenvl',
}

/** Instructions that kernels spell as bytes for assemblers that do not know them. */
export const BYTE_ENCODINGS: readonly { readonly bytes: readonly number[]; readonly instruction: string }[] = [
  { bytes: [0xfa], instruction: 'cli' },
  { bytes: [0xfb], instruction: 'sti' },
  { bytes: [0xf4], instruction: 'hlt' },
  { bytes: [0x0f, 0x01, 0xc8], instruction: 'monitor' },
  { bytes: [0x0f, 0x01, 0xc9], instruction: 'mwait' },
  { bytes: [0x0f, 0x01, 0xca], instruction: 'clac' },
  { bytes: [0x0f, 0x01, 0xcb], instruction: 'stac' },
  { bytes: [0x0f, 0x01, 0xd0], instruction: 'xgetbv' },
  { bytes: [0x0f, 0x01, 0xd1], instruction: 'xsetbv' },
  { bytes: [0x0f, 0x01, 0xee], instruction: 'rdpkru' },
  { bytes: [0x0f, 0x01, 0xef], instruction: 'wrpkru' },
  { bytes: [0x0f, 0x01, 0xf9], instruction: 'rdtscp' },
  { bytes: [0x0f, 0x06], instruction: 'clts' },
  { bytes: [0x0f, 0x08], instruction: 'invd' },
  { bytes: [0x0f, 0x09], instruction: 'wbinvd' },
  { bytes: [0x0f, 0x30], instruction: 'wrmsr' },
  { bytes: [0x0f, 0x31], instruction: 'rdtsc' },
  { bytes: [0x0f, 0x32], instruction: 'rdmsr' },
  { bytes: [0x0f, 0x33], instruction: 'rdpmc' },
  { bytes: [0x0f, 0x34], instruction: 'sysenter' },
  { bytes: [0x0f, 0x35], instruction: 'sysexit' },
  { bytes: [0x0f, 0xa2], instruction: 'cpuid' },
  { bytes: [0x0f, 0xae, 0x27], instruction: 'xsave (%edi)' },
  { bytes: [0x0f, 0xae, 0x2f], instruction: 'xrstor (%edi)' },
  { bytes: [0x0f, 0xae, 0x37], instruction: 'xsaveopt (%edi)' },
  { bytes: [0x0f, 0xc7, 0x1f], instruction: 'xrstors (%edi)' },
  { bytes: [0x0f, 0xc7, 0x27], instruction: 'xsavec (%edi)' },
  { bytes: [0x0f, 0xc7, 0x2f], instruction: 'xsaves (%edi)' },
]

/** Bit of a record's flags: the site holds STI and the instruction in its shadow. */
export const SITE_FUSED = 1
/** Bit of a record's flags: the source or a profile declared the site; its instruction alone does not tell its class. */
export const SITE_DECLARED = 2

/** Name of the section that holds the records. */
export const RECORD_SECTION = '.afterburn'
/** A record: u32 linear address, u8 instruction length, u8 site length, u8 class, u8 flags; little-endian. */
export const RECORD_BYTES = 8

const BY_NUMBER = new Map(SENSITIVE_CLASSES.map(c => [c.number, c]))

/** Whether the AT&T spelling alone decides the class (far transfers have spellings of their own). */
export function decidedBySpelling(entry: SensitiveClass): boolean {
  return entry.operand === undefined || entry.operand.kind === 'far'
}

/** The class with this number, if there is one. */
export function sensitiveClass(number: number): SensitiveClass | undefined {
  return BY_NUMBER.get(number)
}
