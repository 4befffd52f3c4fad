// --check-sites: what the processor sees of sensitive instructions in the kernel of a rewritten guest, trapping or not. Each
// is one that the rewriter did not reach. The VMM's own, user code's and those on FPU state, which stay as they are where
// the FPU is real, do not count.

import type { InterceptEvent } from '../engine/interception.js'
import { formClasses } from '../isa/sensitive-forms.js'
import { substitutionOf } from '../isa/substitutions.js'
import type { SymbolTable } from '../loader/symbols.js'
import type { Machine } from '../machine/machine.js'
import { WINDOW_START } from '../rewriter/virtual-cpu.js'
import type { RunReport } from './report-schema.js'

/** Where sensitive instructions were executed outside sites, and how often. */
export type MissedSites = NonNullable<RunReport['missedSites']>

/** Guest kernels lie between here and the VMM's window. */
const KERNEL_START = 0x80000000
const USER = 3
/** Whether instructions of the class stay where the FPU is real. */
const stays = (classNumber: number) => substitutionOf(classNumber).fpu === true

export class SiteCheck {
  private readonly counts = new Map<number, number>()

  /** Begins to count on a machine whose hypervisor has set its controls. */
  constructor(machine: Machine) {
    const { interception } = machine
    const { exit, onIntercept } = interception
    const wanted = formClasses.filter(number => !stays(number) && !exit.has(number))
    interception.set(exit, wanted)
    interception.onIntercept = event => {
      this.count(event)
      return event.reported ? 'execute' : onIntercept(event)
    }
  }
  private count({ class: number, linear, cpl }: InterceptEvent) {
    if (cpl === USER || linear < KERNEL_START || linear >= WINDOW_START || stays(number)) return
    this.counts.set(linear, (this.counts.get(linear) ?? 0) + 1)
  }

  /** What was found, by address. */
  missed(symbols: SymbolTable): MissedSites {
    const found = [...this.counts].sort(([x], [y]) => x - y)
    return found.map(([address, count]) => {
      const symbol = symbols.at(address) && symbols.describe(address)
      return { address, ...(symbol !== undefined && { symbol }), count }
    })
  }
}
