// The whole PC for programs that embed previrt: a Machine with registers as `state`, console streams and
// events of its life. The guest runs only inside run(), which does not yield: streams move between its calls.

import { EventEmitter } from 'typed-event-emitter'
import { cpuModel } from '../cpu/models.js'
import type { CpuState, PartialState } from '../cpu/state.js'
import { type EngineName, engineNames } from '../engine/engines.js'
import type { ChosenClasses, InterceptAnswer, InterceptEvent } from '../engine/interception.js'
import { type Entry, enter } from './entry.js'
import { Machine, type RunResult } from './machine.js'
import type { PhysicalMemory } from './memory.js'

const DEFAULT_MEMORY = 128 << 20

export interface GuestMachineConfig {
  /** Guest memory in bytes, 1 MiB to 1 GiB in steps of 4 KiB. Default 128 MiB. */
  readonly memory?: number
  /** A model of cpu/models.ts. Default pentium3. */
  readonly model?: string
  /** Which engine executes; all give the same results. Default blocks. */
  readonly engine?: EngineName
}

/** The guest's console: COM1 and, in order with it, what is written to the debug console (port 0xE9). */
export class MachineConsole {
  /** Receives what the guest has written, when run() returns. */
  onOutput: (bytes: Uint8Array) => void = () => {}
  private stream: ReadableStream<Uint8Array> | undefined
  private controller: ReadableStreamDefaultController<Uint8Array> | undefined
  private pending: number[] = []
  private readonly machine: Machine

  constructor(machine: Machine) {
    this.machine = machine
    machine.onConsole = byte => this.pending.push(byte)
  }

  /** Queues input for COM1; the chip takes it when it has room. A string is sent as UTF-8. */
  send(bytes: Uint8Array | string) {
    this.machine.platform.com1.input(bytes)
  }
  /** The output as a stream, from the first time it is asked for on; it ends with close(). */
  get readable(): ReadableStream<Uint8Array> {
    this.stream ??= new ReadableStream({
      start: controller => {
        this.controller = controller
      },
    })
    return this.stream
  }
  /** The input as a stream. */
  get writable(): WritableStream<Uint8Array | string> {
    return new WritableStream({ write: bytes => this.send(bytes) })
  }
  /** Ends the output stream. */
  close() {
    this.controller?.close()
    this.controller = undefined
  }
  /** Hands out what the guest has written. */
  flush() {
    if (this.pending.length === 0) return
    const bytes = Uint8Array.from(this.pending)
    this.pending = []
    this.onOutput(bytes)
    this.controller?.enqueue(bytes)
  }
}

export class GuestMachine extends EventEmitter {
  /** Bound to a handler, e.g. `machine.onRun(() => ...)`: run() begins; with its budget. */
  readonly onRun = this.registerEvent<[budget: number]>()
  /** run() has ended, for a reason that is no budget: the guest has ended, or stop() was called. */
  readonly onEnd = this.registerEvent<[result: RunResult]>()
  readonly console: MachineConsole
  private readonly machine: Machine

  /** See `createMachine`. */
  constructor(config: GuestMachineConfig) {
    super()
    const { memory = DEFAULT_MEMORY, model = 'pentium3', engine = 'blocks' } = config
    if (!engineNames.includes(engine))
      throw new Error(`unknown engine '${engine}': use one of ${engineNames.join(', ')}`)
    this.machine = new Machine({ memory, model: cpuModel(model), engine })
    this.console = new MachineConsole(this.machine)
  }

  /** All registers: a snapshot. Setting merges what is named at any depth, arrays whole; see cpu/state.ts. */
  get state(): CpuState {
    return this.machine.cpu.state
  }
  set state(state: PartialState) {
    this.machine.cpu.state = state
  }
  /** Guest-physical memory: read(address, bytes), write(address, data), size. What is written is seen as code too. */
  get memory(): PhysicalMemory {
    return this.machine.memory
  }
  /** Instructions retired. */
  get retired(): number {
    return this.machine.retired
  }
  /** Virtual time in nanoseconds: one for each retired instruction, and what HLT skipped. */
  get nanoseconds(): number {
    return this.machine.now
  }

  /** Resets the CPU and puts it where a loader says (the `entry` that loadLinux and loadMultiboot answer). */
  enter(entry: Entry) {
    enter(this.machine.cpu, entry)
  }
  /** Runs at most `budget` instructions more; says why it ended. HLT skips to the next event and costs none. */
  run(budget: number): RunResult {
    this.emit(this.onRun, budget)
    const result = this.machine.run(budget)
    this.console.flush()
    if (result.kind !== 'budget') this.emit(this.onEnd, result)
    return result
  }
  /**
   * From now on instructions of these classes exit before anything of them is checked or done, or are reported; at any CPL.
   * @param onIntercept what becomes of one that exits; by default the run ends before it
   * @throws RangeError for a class that does not exist or that instructions alone do not tell
   */
  intercept(classes: ChosenClasses, onIntercept: (event: InterceptEvent) => InterceptAnswer = () => 'stop') {
    const { interception } = this.machine
    interception.onIntercept = onIntercept
    interception.choose(classes)
  }
  /** Ends run() after the current instruction; to be called by a handler, or before the next run(). */
  stop() {
    this.machine.stop()
  }
}
