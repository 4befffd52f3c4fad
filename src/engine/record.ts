// The decoded instruction as the cold engine runs it: 32 bytes in the code cache, neighbours in the order of execution.
// A record's handler (HANDLER) is the number of a slot of the core module (core.ts); the first slots are no instructions.

export const RECORD_BYTES = 32
export const RECORD_SHIFT = 5
export const HANDLER = 0 // u16
export const LENGTH = 2 // u8, bytes of the instruction
export const ADDRESSING = 3 // u8: scale in bits 0-1, segment in bits 2-4, 16-bit addressing in bit 5, CAREFUL
export const DST = 4 // u16: cell or register number of operand 0
export const SRC = 6 // u16: the same of the next register operand
export const IMM = 8 // i32
export const BASE = 12 // u16: cell
export const INDEX = 14 // u16: cell
export const DISP = 16 // i32: displacement, second immediate, or offset that a direct branch goes to
export const AT = 20 // i32: offset of the instruction itself (EIP)
export const TARGET = 24 // i32: record of the branch target in the same page, 0 while unknown
export const COUNT = 28 // i32: executions left until the head is hot; below 0 it is reported. Of stale ones: about their page's table
// Of direct branches in the places of IMM and of BASE and INDEX: where they go to in another page (cold-links.ts).
export const FAR_TABLE = 8 // i32: table of the code page that the target's record belongs to, 0 while unknown
export const FAR_TARGET = 12 // i32: the record
// Of conditional branches that are inlined in the run loop, in the place of DST: 1 once one has not been taken.
export const FALLEN = 4 // u16
// Of near indirect jumps and calls in the places of IMM and SRC: the offset they went to last, and how often it changed.
export const LAST = 8 // i32
export const CHANGES = 6 // u16

/** Pseudo-instruction: goes on at the record TARGET or the offset DISP; ends a run of neighbours. */
export const SLOT_GOTO = 0
/** Pseudo-instruction before an instruction that crosses into the next page: that page must still be the one decoded (IMM). */
export const SLOT_GUARD = 1
/** The head of a translated region; its own handler and the table index stand in HOT_INDEX (cpu/layout.ts). */
export const SLOT_HOT = 2
/** An instruction of an intercepted class; its own handler stands in HOT_INDEX. The run loop leaves before it. */
export const SLOT_INTERCEPT = 3
/**
 * An instruction whose bytes have been written: it is decoded again when it is reached, in its place if it fits there. The
 * second where it was the last of its run.
 */
export const SLOT_STALE = 4
export const SLOT_STALE_LAST = 5
export const isStale = (handler: number) => (handler & ~1) === SLOT_STALE
/** First slot that is an instruction. */
export const FIRST_SLOT = 6

/** In ADDRESSING: accesses of guest memory are often not plain here, so that translated code does not leave for them. */
export const CAREFUL = 0x40

/** Every so many instructions of linked regions, about, the region entered pays for LINK_WEIGHT entries, as many as there are of long ones. */
export const LINK_SAMPLE = 4096
export const LINK_WEIGHT = 64
/** Neighbours in a row at most. */
export const RUN_LIMIT = 64
/** Every so many taken branches one head pays for all of them: a prime, so that it does not keep step with loops. */
export const HEAT_SAMPLE = 61
/** Every so many times that translated code is left for an access that is not plain the place is told: a prime too. */
export const REFUSAL_SAMPLE = 61
/** Instructions of a translated region at most. */
export const REGION_LIMIT = 64
/** The same for a region with a switch in it. */
export const SWITCH_LIMIT = 96
/** The same for a region that is entered again and again because its loop is longer than that. */
export const LOOP_LIMIT = 128
/** Runs and regions are entered only with more budget than this, so that deadlines are met exactly without counting. */
export const BUDGET_LIMIT = 512

// Results of a handler function that is called rather than inlined.
export const DONE_NEXT = 0
export const DONE_JUMP = 1
export const DONE_TARGET = 2
export const DONE_FAULT = 3
export const DONE_STOP = 4 // plus the reason (cpu/stops.ts)

// Why the core's run loop returned.
export const EXIT_BUDGET = 0 // BUDGET_LIMIT instructions left or fewer; EIP is the next instruction
export const EXIT_MISS = 1 // EIP is not decoded; LINK is the branch record to patch, or 0
export const EXIT_FAULT = 2 // FAULT is set, EIP is the faulting instruction
export const EXIT_STOP = 3 // EIP is where to go on; interrupts, traps and mode are to be looked at
export const EXIT_HOT = 4 // LINK is a record whose COUNT reached zero; EIP is its offset
export const EXIT_GUARD = 5 // LINK is a guard whose page is another now; EIP is the instruction
export const EXIT_INTERCEPT = 6 // EIP is an intercepted instruction; from the run loop LINK is its record
export const EXIT_ACCESS = 7 // translated code was left at the record LINK, EIP, for an access, not for the first time
export const EXIT_STALE = 8 // LINK is a record that has to be decoded again, EIP its offset
