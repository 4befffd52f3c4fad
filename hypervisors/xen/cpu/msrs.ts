// Model-specific registers as a 32-bit guest has them on an Intel processor (Xen's guest_rdmsr and guest_wrmsr, and those of
// emul-priv-op.c). All others are #GP(0).

import { hypercallPage } from '../build/hypercall-page.js'
import type { Domain } from '../domain.js'
import { WRITABLE } from '../memory/frame-table.js'
import { PAGE_BYTES } from '../memory/machine-memory.js'

/** A register's two halves. */
export interface MsrValue {
  readonly low: number
  readonly high: number
}

const TIME_STAMP_COUNTER = 0x10
const PLATFORM_ID = 0x17
const APIC_BASE = 0x1b
const FEATURE_CONTROL = 0x3a
const MICROCODE = 0x8b
const MISC_FEATURES = 0x140
const CHECK_CAPABILITIES = 0x179
const MISC_ENABLE = 0x1a0
const PAGE_ATTRIBUTES = 0x277
const EFER = 0xc0000080
const HYPERCALL_PAGE = 0x40000000
const WORD = 0x100000000

/** Those that always read the same. */
const CONSTANT: Readonly<Record<number, MsrValue>> = {
  [APIC_BASE]: { low: 0xfee00900, high: 0 },
  // Locked.
  [FEATURE_CONTROL]: { low: 1, high: 0 },
  // Two banks; recovery by software, thresholds and corrected errors are known.
  [CHECK_CAPABILITIES]: { low: 0x01000c02, high: 0 },
  // Fast strings; no trace store, no precise sampling, no priority of tasks on the bus.
  [MISC_ENABLE]: { low: 0x00801801, high: 0 },
  [PAGE_ATTRIBUTES]: { low: 0x00070406, high: 0x00000501 },
  // A 32-bit guest sees neither long mode nor its system calls, and this machine has no execute-disable.
  [EFER]: { low: 0, high: 0 },
}
const ZERO: MsrValue = { low: 0, high: 0 }
const ONES: MsrValue = { low: 0xffffffff, high: 0xffffffff }
/** Those that read as 0, first and last. */
const ZEROES: readonly (readonly [first: number, last: number])[] = [
  [0x0, 0x1],
  [PLATFORM_ID, PLATFORM_ID],
  [MICROCODE, MICROCODE],
  [0xce, 0xce],
  [MISC_FEATURES, MISC_FEATURES],
  [0x17a, 0x17b],
  [0x198, 0x199],
  [0x19c, 0x19c],
  [0x280, 0x29f],
  [0x345, 0x345],
  [HYPERCALL_PAGE, HYPERCALL_PAGE],
  [0xc001001f, 0xc001001f],
]
/** Performance counters that nobody counts with: they read as 0 and take any value. */
const COUNTERS: readonly (readonly [first: number, last: number])[] = [
  [0xc1, 0xc8],
  [0x186, 0x189],
  [0x309, 0x30b],
  [0x38d, 0x390],
]
/** Machine-check banks: a control, a status, an address and a word more for each. There are two. */
const BANKS_FIRST = 0x400
const BANKS_LAST = 0x47f
const CONTROLS = [0x400, 0x404]
/** Those whose new value goes nowhere: machine check, clock control, hints. */
const IGNORED: readonly (readonly [first: number, last: number])[] = [
  [0xe7, 0xe8],
  [CHECK_CAPABILITIES, 0x17b],
  [0x199, 0x19a],
  [MISC_ENABLE, MISC_ENABLE],
  [0x1b0, 0x1b0],
  [0x280, 0x29f],
  [BANKS_FIRST, BANKS_LAST],
  [0xc001001f, 0xc001001f],
]
const among = (register: number, ranges: readonly (readonly [number, number])[]) =>
  ranges.some(([first, last]) => register >= first && register <= last)

/** The value of a register; undefined where there is none. */
export function readMsr(register: number, now: number): MsrValue | undefined {
  if (register === TIME_STAMP_COUNTER) return { low: now % WORD, high: Math.floor(now / WORD) }
  if (register >= BANKS_FIRST && register <= BANKS_LAST) return CONTROLS.includes(register) ? ONES : ZERO
  return CONSTANT[register] ?? (among(register, ZEROES) || among(register, COUNTERS) ? ZERO : undefined)
}

/** Sets a register; false where that is not allowed. */
export function writeMsr(register: number, { low, high }: MsrValue, domain: Domain): boolean {
  if (register === HYPERCALL_PAGE) return high < 16 && placeHypercallPage(domain, low + high * WORD)
  if ([MICROCODE, MISC_FEATURES, EFER].includes(register)) return low === 0 && high === 0
  return among(register, IGNORED) || among(register, COUNTERS)
}

/** Writes a page of hypercalls into a frame of the domain's. */
function placeHypercallPage({ types, memory, id }: Domain, address: number): boolean {
  const frame = Math.floor(address / PAGE_BYTES)
  if (address % PAGE_BYTES !== 0 || types.getPageAndType(frame, WRITABLE, id) !== 0) return false
  memory.u8.set(hypercallPage(), frame * PAGE_BYTES)
  memory.changed(frame * PAGE_BYTES, PAGE_BYTES)
  types.putPageAndType(frame)
  return true
}
