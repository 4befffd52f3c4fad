// --count-sensitive: how often instructions of each sensitive class were executed, trapping or not, by whom. The processor
// reports each before it executes; results are those of a run without, which takes less time of the host.

import { formClasses } from '../isa/sensitive-forms.js'
import type { Machine } from '../machine/machine.js'
import { RepeatedEntry } from '../machine/repeated-entry.js'
import { WINDOW_START } from '../rewriter/virtual-cpu.js'

const USER = 3
/** Behind the VMM's window. */
const WINDOW_END = 0xc0000000

/** By class name. */
type ByClass = Record<string, number>

export class SensitiveCounts {
  private readonly user: ByClass = {}
  private readonly kernel: ByClass = {}
  private readonly vmm: ByClass = {}

  /**
   * Begins to count on a machine whose hypervisor has set its controls.
   * @param hasVmm what lies in the window is a VMM
   */
  constructor(
    { interception, execution, cpu }: Machine,
    private readonly hasVmm: boolean,
  ) {
    const { exit, report, onIntercept } = interception
    const repeated = new RepeatedEntry()
    interception.set(exit, new Set([...report, ...formClasses]))
    interception.onIntercept = event => {
      const { name, linear, cpl, reported } = event
      const isVmm = this.hasVmm && linear >= WINDOW_START && linear < WINDOW_END
      const counts = cpl === USER ? this.user : isVmm ? this.vmm : this.kernel
      if (!repeated.goesOn(event, execution.retired)) counts[name] = (counts[name] ?? 0) + 1
      const answer = reported && !report.has(event.class) ? 'execute' : onIntercept(event)
      if (answer === 'handled') repeated.left(event, cpu.eip >>> 0, execution.retired)
      return answer
    }
  }

  /** So far. */
  get counts() {
    const { user, kernel, vmm } = this
    return { user: { ...user }, kernel: { ...kernel }, ...(this.hasVmm && { vmm: { ...vmm } }) }
  }
}
