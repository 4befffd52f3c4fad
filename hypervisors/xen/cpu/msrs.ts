// Model-specific registers as a 32-bit guest on an Intel processor has them (xen/arch/x86/msr.c, pv/emul-priv-op.c): what
// RDMSR answers, and which values WRMSR takes. All other registers and values are #GP(0).

import { hypercallPage } from '../build/hypercall-page.js'
import type { Domain } from '../domain.js'
import { WRITABLE } from '../memory/frame-table.js'
import { PAGE_BYTES } from '../memory/machine-memory.js'

const TIME_STAMP_COUNTER = 0x10
const PLATFORM_ID = 0x17
const APIC_BASE = 0x1b
const FEATURE_CONTROL = 0x3a
const MICROCODE_REVISION = 0x8b
const PLATFORM_INFO = 0xce
const MAXIMUM_CLOCK_COUNT = 0xe7
const ACTUAL_CLOCK_COUNT = 0xe8
const MISC_FEATURES = 0x140
const PERFORMANCE_STATUS = 0x198
const PERFORMANCE_CONTROL = 0x199
const CLOCK_MODULATION = 0x19a
const MISC_ENABLE = 0x1a0
const ENERGY_BIAS = 0x1b0
const PAGE_ATTRIBUTES = 0x277
const PERFORMANCE_CAPABILITIES = 0x345
const EFER = 0xc0000080
/** The hypervisor's own: a write of a machine address makes that page the page of hypercalls. */
const HYPERCALL_PAGE = 0x40000000

const APIC_AT = 0xfee00900
const LOCKED = 1
/** Fast strings; neither branch trace nor precise sampling; no thread priority messages. */
const MISC_ENABLE_SHOWN = 0x00801801
/** The hypervisor's page attributes, which guests share. */
const PAGE_ATTRIBUTES_LOW = 0x00070406
const PAGE_ATTRIBUTES_HIGH = 0x00000501
const WORD = 0x100000000

const CONSTANT: ReadonlyMap<number, readonly [low: number, high: number]> = new Map([
  [PLATFORM_ID, [0, 0]],
  [APIC_BASE, [APIC_AT, 0]],
  [FEATURE_CONTROL, [LOCKED, 0]],
  [MICROCODE_REVISION, [0, 0]],
  [PLATFORM_INFO, [0, 0]],
  [MISC_FEATURES, [0, 0]],
  [PERFORMANCE_STATUS, [0, 0]],
  [PERFORMANCE_CONTROL, [0, 0]],
  [MISC_ENABLE, [MISC_ENABLE_SHOWN, 0]],
  [PAGE_ATTRIBUTES, [PAGE_ATTRIBUTES_LOW, PAGE_ATTRIBUTES_HIGH]],
  [PERFORMANCE_CAPABILITIES, [0, 0]],
  [HYPERCALL_PAGE, [0, 0]],
  // System calls and long mode are the hypervisor's, and there is no execute-disable.
  [EFER, [0, 0]],
])
/** Writes of what they hold pass, other ones do not. */
const REWRITABLE = new Set([MICROCODE_REVISION, MISC_FEATURES, EFER])
/** Writes go nowhere. */
const UNHEEDED = new Set([
  MAXIMUM_CLOCK_COUNT,
  ACTUAL_CLOCK_COUNT,
  PERFORMANCE_CONTROL,
  CLOCK_MODULATION,
  MISC_ENABLE,
  ENERGY_BIAS,
])

/** The value of a register; undefined where there is none. */
export function readMsr(register: number, now: number): readonly [low: number, high: number] | undefined {
  if (register === TIME_STAMP_COUNTER) return [now % WORD, Math.floor(now / WORD)]
  return CONSTANT.get(register)
}

/** Writes a register; false where there is none, or it does not take this value. */
export function writeMsr(domain: Domain, register: number, low: number, high: number): boolean {
  if (UNHEEDED.has(register)) return true
  if (register === HYPERCALL_PAGE) return placeHypercalls(domain, low, high)
  return REWRITABLE.has(register) && low === 0 && high === 0
}

function placeHypercalls({ types, memory, id }: Domain, low: number, high: number): boolean {
  const frame = Math.floor(low / PAGE_BYTES) + high * (WORD / PAGE_BYTES)
  if (low % PAGE_BYTES !== 0 || types.getPageAndType(frame, WRITABLE, id) !== 0) return false
  memory.u8.set(hypercallPage(), frame * PAGE_BYTES)
  memory.changed(frame * PAGE_BYTES, PAGE_BYTES)
  types.putPageAndType(frame)
  return true
}
