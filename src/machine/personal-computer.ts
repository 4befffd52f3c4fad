// The whole PC for programs that embed it (CONTRACT 5): registers as one object, guest-physical memory, a budget to run,
// the console as a stream of bytes both ways, and events. Made by createMachine in src/index.ts.

import type { CpuState, PartialState } from '../cpu/state.js'
import { machineDigest } from './digest.js'
import type { Machine, RunResult } from './machine.js'

/** What happens in a PersonalComputer, by name, with what listeners are given. */
export interface MachineEvents {
  /** Bytes that the guest has written to COM1 or the debug console; at least once for each run(). */
  console: Uint8Array
  /** run() is about to return this. */
  stopped: RunResult
}

const CHUNK_BYTES = 4096

export class PersonalComputer {
  private readonly listeners: { [E in keyof MachineEvents]: Set<(value: MachineEvents[E]) => void> } = {
    console: new Set(),
    stopped: new Set(),
  }
  private readonly output = new Uint8Array(CHUNK_BYTES)
  private outputBytes = 0

  constructor(private readonly machine: Machine) {
    machine.onConsole = byte => {
      this.output[this.outputBytes++] = byte
      if (this.outputBytes === CHUNK_BYTES) this.flush()
    }
  }

  /** All registers as a snapshot; setting merges what is named at any depth, as `state` of createCpu. */
  get state(): CpuState {
    return this.machine.cpu.state
  }
  set state(state: PartialState) {
    this.machine.cpu.state = state
  }

  /** Instructions retired since the start. */
  get instructions(): number {
    return this.machine.retired
  }
  /** Virtual time in nanoseconds: one for each instruction, and what HLT has skipped. */
  get nanoseconds(): number {
    return this.machine.now
  }

  /**
   * Runs until the guest ends, stop() is called, or `budget` instructions more have retired; then it can be called again.
   * @param budget instructions; without it until the guest ends
   */
  run(budget: number = Number.MAX_SAFE_INTEGER): RunResult {
    const result = this.machine.run(Math.min(budget, Number.MAX_SAFE_INTEGER - this.instructions))
    this.flush()
    for (const listener of this.listeners.stopped) listener(result)
    return result
  }
  /** Ends run() after the current instruction; for listeners. */
  stop() {
    this.machine.stop()
  }

  /** Sends bytes, or a text as UTF-8, to the guest's COM1. */
  input(bytes: Uint8Array | string) {
    this.machine.platform.com1.input(bytes)
  }
  /** Calls `listener` on each event of a kind until the function that is returned is called. */
  on<E extends keyof MachineEvents>(event: E, listener: (value: MachineEvents[E]) => void): () => void {
    this.listeners[event].add(listener)
    return () => {
      this.listeners[event].delete(listener)
    }
  }

  /** A copy of guest-physical RAM. Throws RangeError outside it. */
  read(physical: number, length: number): Uint8Array {
    this.check(physical, length)
    return this.machine.memory.read(physical, length)
  }
  /** Writes guest-physical RAM; the next instruction sees it, translated code too. Throws RangeError outside it. */
  write(physical: number, bytes: Uint8Array) {
    this.check(physical, bytes.length)
    this.machine.memory.write(physical, bytes)
  }
  /** SHA-256 over registers and memory, in hexadecimal; the `digest` of the command's JSON. */
  digest(): string {
    return machineDigest(this.machine)
  }

  private check(physical: number, length: number) {
    const { size } = this.machine.memory
    if (!(physical >= 0 && length >= 0 && physical + length <= size))
      throw new RangeError(`bytes ${physical} to ${physical + length} are not in the memory of ${size} bytes`)
  }
  private flush() {
    if (this.outputBytes === 0) return
    const bytes = this.output.slice(0, this.outputBytes)
    this.outputBytes = 0
    for (const listener of this.listeners.console) listener(bytes)
  }
}
