// Interrupts and IRET as kernels with flat segments have them millions of times: 32-bit interrupt and trap gates to CPL 0,
// IRET from CPL 0 to CPL 0 or 3, between segments with base 0 and limit 4 GiB whose descriptors, and a frame that lies in
// one page, can be reached plainly. Whatever else is met, every fault too, is left with nothing changed to
// gate-delivery.ts and iret.ts, whose rules these are (SDM vol. 2 INT n, IRET; vol. 3, 6.12).

import type { Cpu } from './cpu.js'
import { SOFTWARE } from './delivery.js'
import { IF, NT, RF, TF, VM } from './eflags.js'
import { iretFlags } from './flag-changes.js'
import * as L from './layout.js'
import { updateMode } from './mode.js'
import { segmentIndex } from './segment-cache.js'
import { nullInnerSegments } from './segmentation.js'

// Descriptors of flat segments that have been accessed, and their rights.
const FLAT_LOW = 0xffff
const FLAT_CODE = 0xcf9b00
const FLAT_DATA = 0xcf9300
const DPL_3 = 0x6000
const CODE_RIGHTS = 0xc09b
const DATA_RIGHTS = 0xc093
const RIGHTS_DPL_3 = 0x60

// A gate's high word: present, and the bits from S on; interrupt and trap gates differ in one of them.
const GATE_KIND = 0x9f00
const INTERRUPT_GATE = 0x8e00
const TRAP = 0x100
const TSS32 = 0x89 // rights, whether busy or not
/** CS and SS in cpu.flatSegments. */
const FLAT = (1 << L.CS) | (1 << L.SS)

const SUPERVISOR_READ = L.TLB_SUPERVISOR_READ >> 2
const SUPERVISOR_WRITE = L.TLB_SUPERVISOR_WRITE >> 2
const CS = segmentIndex(L.CS)
const SS = segmentIndex(L.SS)
const TR = segmentIndex(L.TR)
const SELECTOR = L.SEG_SELECTOR >> 2
const BASE = L.SEG_BASE >> 2
const LIMIT = L.SEG_LIMIT >> 2
const RIGHTS = L.SEG_RIGHTS >> 2
const ESP = L.gprCell(L.ESP) >> 2

/** Index in i32 of the words at a linear address that lie in one page with the next `more` bytes; 0 when not plain. */
function plain(i32: Int32Array, table: number, linear: number, more: number): number {
  const entry = i32[table + (linear >>> 12)]!
  if (((entry | (linear & 3)) & 0xfff) !== L.TLB_VALID || (linear & 0xfff) + more > 0xfff) return 0
  return (linear + entry + L.TLB_VALID) >>> 2
}

/** True when the selector's descriptor, in the GDT, has this high word and otherwise that of a flat segment. */
function isFlat(cpu: Cpu, selector: number, high: number): boolean {
  const { i32 } = cpu
  const offset = selector & 0xfffc
  if ((offset & 4) !== 0 || offset === 0 || offset + 7 > cpu.u32[L.GDTR_LIMIT >> 2]!) return false
  const at = plain(i32, SUPERVISOR_READ, i32[L.GDTR_BASE >> 2]! + offset, 7)
  return at !== 0 && i32[at] === FLAT_LOW && i32[at + 1] === high
}

/** Delivers as deliverThroughIdt of gate-delivery.ts does. False when it is not such a case; nothing has changed then. */
export function deliverFlat(
  cpu: Cpu,
  vector: number,
  source: number,
  error: number,
  hasError: boolean,
  returnEip: number,
  flags: number,
): boolean {
  const { i32 } = cpu
  const system = i32[L.FLAGS >> 2]!
  if ((cpu.flatSegments & FLAT) !== FLAT || (system & VM) !== 0 || cpu.monitorGate) return false
  if (vector * 8 + 7 > cpu.u32[L.IDTR_LIMIT >> 2]!) return false
  const gate = plain(i32, SUPERVISOR_READ, i32[L.IDTR_BASE >> 2]! + vector * 8, 7)
  if (gate === 0) return false
  const low = i32[gate]!
  const high = i32[gate + 1]!
  const cpl = i32[L.CPL >> 2]!
  if ((high & GATE_KIND & ~TRAP) !== INTERRUPT_GATE || (source === SOFTWARE && ((high >>> 13) & 3) < cpl)) return false
  const selector = low >>> 16
  if (!isFlat(cpu, selector, FLAT_CODE)) return false
  let esp = i32[ESP]!
  let stack = i32[SS + SELECTOR]!
  if (cpl !== 0) {
    const task = plain(i32, SUPERVISOR_READ, i32[TR + BASE]! + 4, 7)
    if (task === 0 || (i32[TR + RIGHTS]! & 0x9d) !== TSS32 || cpu.u32[TR + LIMIT]! < 9) return false
    esp = i32[task]!
    stack = i32[task + 1]! & 0xffff
    if ((stack & 3) !== 0 || !isFlat(cpu, stack, FLAT_DATA)) return false
  }
  const words = (cpl !== 0 ? 5 : 3) + (hasError ? 1 : 0)
  const bottom = (esp - 4 * words) | 0
  let at = plain(i32, SUPERVISOR_WRITE, bottom, 4 * words - 1)
  if (at === 0) return false

  if (hasError) i32[at++] = error
  i32[at] = returnEip
  i32[at + 1] = i32[CS + SELECTOR]!
  i32[at + 2] = flags
  i32[CS + SELECTOR] = selector & 0xfffc
  i32[L.EIP >> 2] = (low & 0xffff) | (high & 0xffff0000)
  i32[L.FLAGS >> 2] = system & ((high & TRAP) !== 0 ? ~(TF | NT | RF) : ~(TF | NT | RF | IF))
  if (cpl !== 0) {
    i32[at + 3] = i32[ESP]!
    i32[at + 4] = i32[SS + SELECTOR]!
    i32[SS + SELECTOR] = stack
    i32[SS + RIGHTS] = DATA_RIGHTS
    i32[CS + RIGHTS] = CODE_RIGHTS
    i32[L.CPL >> 2] = 0
  }
  i32[ESP] = bottom
  if (cpl !== 0 || i32[CS + RIGHTS] !== CODE_RIGHTS) {
    i32[CS + RIGHTS] = CODE_RIGHTS
    updateMode(cpu)
  }
  return true
}

/** IRET with operand size 4. False when it is not such a case; nothing has changed then. */
export function iretFlat(cpu: Cpu): boolean {
  const { i32 } = cpu
  if (!cpu.protectedMode || (cpu.flatSegments & FLAT) !== FLAT || i32[L.CPL >> 2] !== 0) return false
  const esp = i32[ESP]!
  const at = plain(i32, SUPERVISOR_READ, esp, 19)
  if (at === 0) return false
  const selector = i32[at + 1]! & 0xffff
  const flags = i32[at + 2]!
  if (((i32[L.FLAGS >> 2]! & NT) | (flags & VM)) !== 0) return false
  if ((selector & 3) === 0) {
    if (!isFlat(cpu, selector, FLAT_CODE)) return false
    i32[CS + RIGHTS] = CODE_RIGHTS
    i32[ESP] = esp + 12
  } else {
    const stack = i32[at + 4]! & 0xffff
    const outer = (selector & stack & 3) === 3
    if (!outer || !isFlat(cpu, selector, FLAT_CODE | DPL_3) || !isFlat(cpu, stack, FLAT_DATA | DPL_3)) return false
    i32[CS + RIGHTS] = CODE_RIGHTS | RIGHTS_DPL_3
    i32[SS + SELECTOR] = stack
    i32[SS + RIGHTS] = DATA_RIGHTS | RIGHTS_DPL_3
    i32[ESP] = i32[at + 3]!
  }
  i32[CS + SELECTOR] = selector
  i32[L.EIP >> 2] = i32[at]!
  // The flags obey the level that IRET runs at, before CPL changes.
  iretFlags(cpu, flags, 4)
  if ((selector & 3) !== 0) {
    i32[L.CPL >> 2] = 3
    nullInnerSegments(cpu, 3)
  }
  updateMode(cpu)
  return true
}
