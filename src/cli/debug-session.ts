// The gdb server of a run: while a debugger is connected it drives the machine, and the run loop waits.

import { MachineTarget } from '../debug/machine-target.js'
import type { Machine, RunResult } from '../machine/machine.js'
import { CommandError } from './failure.js'
import { type GdbListener, listenForGdb } from './gdb-tcp.js'

/** What a session tells the run. */
export interface DebugEvents {
  /** Output and input are to be looked at; the guest stands still meanwhile. */
  yieldToHost(): Promise<void>
  /** Resolves when input has come or something else wants to be looked at; false if no input can come. */
  waitForInput(): Promise<boolean>
  /** The guest has ended under the debugger. Answers the exit status as the debugger is to see it. */
  ended(result: RunResult): number
  /** The debugger wants the guest to end. */
  killed(): void
  /** The run loop is to look whether it may go on. */
  changed(): void
}

export class DebugSession {
  /** The machine is the debugger's. */
  holds: boolean
  private listener: GdbListener | undefined

  /** @param wait the guest does not start before a debugger says so */
  private constructor(wait: boolean) {
    this.holds = wait
  }

  /**
   * Listens on a port of 127.0.0.1 and says so on standard error.
   * @throws CommandError when the port cannot be had
   */
  static async open(machine: Machine, port: number, wait: boolean, events: DebugEvents): Promise<DebugSession> {
    const session = new DebugSession(wait)
    const target = new MachineTarget(machine, {
      yieldToHost: () => events.yieldToHost(),
      waitForInput: () => events.waitForInput(),
      wake: () => events.changed(),
      // After a triple fault the debugger may look around; the run ends when it has gone.
      ended: result => (result.kind === 'triple-fault' ? 0 : events.ended(result)),
      released: kill => {
        session.holds = false
        if (kill) events.killed()
        events.changed()
      },
    })
    try {
      session.listener = await listenForGdb(target, port, () => {
        session.holds = true
      })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new CommandError(`--gdb ${port}: the port cannot be used (${code}); give another one, or 0 for a free one`)
    }
    process.stderr.write(`previrt: gdb server on 127.0.0.1:${session.listener.port}\n`)
    return session
  }

  /** Ends the connection after what was sent has left. */
  async close(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    this.listener?.close()
  }
}
