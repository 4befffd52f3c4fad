// Interception controls, in the manner of VT-x (SDM vol. 3, 25.6) and SVM: instructions of chosen sensitive classes leave
// the engine before they execute, trapping or not, at any CPL. They come before all checks of the instruction itself, and
// after those of fetching it. An iteration of a repeated instruction is one execution. Classes that no form tells (table
// stores, STI with its shadow) cannot be chosen. Breakpoints of a debugger stop before instructions in the same way, by
// address: memory does not show them, and code without them runs as ever.

import type { Cpu } from '../cpu/cpu.js'
import * as L from '../cpu/layout.js'
import type { Form } from '../isa/form.js'
import { forms } from '../isa/forms.js'
import { SENSITIVE_CLASSES } from '../isa/sensitive.js'
import { classOfForm, formClasses } from '../isa/sensitive-forms.js'

/** An instruction that is about to be executed. All state is in the CPU: EIP is at the instruction. */
export interface InterceptEvent {
  /** Class number (isa/sensitive.ts). */
  readonly class: number
  /** Its name. */
  readonly name: string
  readonly form: Form
  /** Offset in CS. */
  readonly eip: number
  readonly linear: number
  readonly cpl: number
  /** The class is only reported: the answer does not matter. */
  readonly reported: boolean
}

/**
 * What becomes of it: `execute` it as if nothing had been asked; `done`, the owner has emulated it, has set EIP and
 * registers, and it counts as retired; `handled`, the owner has done something else, and execution goes on at EIP;
 * `stop`, the run ends before it, and asks again when it goes on there.
 */
export type InterceptAnswer = 'execute' | 'done' | 'handled' | 'stop'

/** Names of classes of sensitive instructions (isa/sensitive.ts). */
export interface ChosenClasses {
  /** `onIntercept` decides what becomes of them. */
  readonly exit?: Iterable<string>
  /** Reported and then executed. */
  readonly report?: Iterable<string>
}

const CLASSES = 256
const nameOfClass: string[] = []
for (const { number, name } of SENSITIVE_CLASSES) nameOfClass[number] = name
const CS_BASE = L.segmentCell(L.CS, L.SEG_BASE)

/** The controls of one CPU. They may be changed between runs and by `onIntercept`, and hold from the next instruction on. */
export class Interception {
  /** By class number: events so far. */
  readonly counts = new Float64Array(CLASSES)
  /** The event that ended the last run that was stopped; undefined if that was a breakpoint. */
  stoppedAt: InterceptEvent | undefined
  /** Asked for each event of a class that exits, told of each of a class that is reported. */
  onIntercept: (event: InterceptEvent) => InterceptAnswer = () => 'execute'
  private exits: ReadonlySet<number> = new Set()
  private reports: ReadonlySet<number> = new Set()
  private taken = true
  private stops: ReadonlySet<number> = new Set()
  /** Instructions with a breakpoint are executed like others. */
  pass = false

  constructor(private readonly cpu: Cpu) {}

  /** Classes whose instructions exit: `onIntercept` decides what becomes of them. */
  get exit(): ReadonlySet<number> {
    return this.exits
  }
  /** Classes whose instructions are reported and then executed. */
  get report(): ReadonlySet<number> {
    return this.reports
  }

  /**
   * Sets all controls. A class in both lists exits.
   * @param exit numbers of classes that exit
   * @param report numbers of classes that are reported
   * @throws RangeError for a class that does not exist or that instructions alone do not tell
   */
  set(exit: Iterable<number>, report: Iterable<number> = []) {
    const exits = new Set(exit)
    const reports = new Set(report)
    for (const number of [...exits, ...reports])
      if (!formClasses.includes(number))
        throw new RangeError(`class ${number} cannot be intercepted: choose among ${formClasses.join(', ')}`)
    this.exits = exits
    this.reports = reports
    this.taken = false
  }

  /** Sets all controls by the names of classes. */
  choose({ exit = [], report = [] }: ChosenClasses) {
    this.set(Array.from(exit, classNumber), Array.from(report, classNumber))
  }
  /** Linear addresses of instructions before which a run ends. */
  get breakpoints(): ReadonlySet<number> {
    return this.stops
  }
  set breakpoints(addresses: Iterable<number>) {
    this.stops = new Set(addresses)
    this.taken = false
  }

  /** By form id: 1 where the form is intercepted. Undefined when nothing has changed since the last call. */
  takeChange(): Uint8Array | undefined {
    if (this.taken) return undefined
    this.taken = true
    return classOfForm.map(number => Number(this.exits.has(number) || this.reports.has(number)))
  }

  /** Asks for the instruction at EIP, of this form. */
  ask(form: number): InterceptAnswer {
    const { cpu, counts } = this
    const number = classOfForm[form]!
    const eip = cpu.u32[L.EIP >> 2]!
    const linear = (cpu.u32[CS_BASE >> 2]! + eip) >>> 0
    if (this.stops.has(linear) && !this.pass) {
      this.stoppedAt = undefined
      return 'stop'
    }
    const reported = !this.exits.has(number)
    if (reported && !this.reports.has(number)) return 'execute'
    counts[number] = counts[number]! + 1
    const event = {
      class: number,
      name: nameOfClass[number]!,
      form: forms[form]!,
      eip,
      linear,
      cpl: cpu.i32[L.CPL >> 2]!,
      reported,
    }
    const answer = this.onIntercept(event)
    if (reported) return 'execute'
    if (answer === 'stop') this.stoppedAt = event
    return answer
  }
}

/**
 * The number of a class of sensitive instructions by its name.
 * @throws RangeError where no class has it
 */
export function classNumber(name: string): number {
  const found = SENSITIVE_CLASSES.find(entry => entry.name === name)
  if (!found) throw new RangeError(`no class of sensitive instructions is called ${name}`)
  return found.number
}
