// The `run` command: puts machine, guest, console and limits together, runs, judges, reports.

import { cpuModel } from '../cpu/models.js'
import { type EngineName, engineNames } from '../engine/engines.js'
import { enter } from '../machine/entry.js'
import { Machine, type RunResult } from '../machine/machine.js'
import { type ConsoleSink, fileSink, GuestConsole, noSink, streamSink, TextFinder } from './console.js'
import { judge, type RunEnd } from './exit.js'
import { CommandError, notInThisVersion } from './failure.js'
import { findGuest, loadGuest } from './guest.js'
import type { RunOptions } from './options.js'
import { type LoopHost, type Pacing, runPaced } from './run-loop.js'

/** Runs a guest. Returns the exit status; throws CommandError or LoadError where it cannot be started. */
export async function run(options: RunOptions): Promise<number> {
  const started = performance.now()
  const files = await findGuest(options)
  const machine = makeMachine(options)
  const guest = loadGuest(machine, files, options)
  let ended: RunEnd | undefined
  const stop = (end: RunEnd) => {
    ended ??= end
    machine.stop()
  }
  const finder = options.expect === undefined ? undefined : new TextFinder(options.expect)
  let panic: string | undefined
  const console = new GuestConsole(
    sinkOf(options),
    byte => {
      if (finder?.take(byte)) stop({ kind: 'expect' })
    },
    line => {
      if (/\bKernel panic\b/.test(line)) panic ??= line
    },
  )
  machine.onConsole = byte => console.put(byte)
  enter(machine.cpu, guest.entry)
  const timeout = started + (options.timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000
  const host: LoopHost = {
    between: () => {
      console.flush()
      if (performance.now() > timeout) stop({ kind: 'timeout' })
      return ended && { kind: 'stopped' }
    },
    mayHaveInput: () => false,
    woken: () => new Promise(() => {}),
  }
  const pacing: Pacing = options.realtime ? 'realtime' : 'free'
  const result = await runPaced(machine, options.budget ?? Number.MAX_SAFE_INTEGER, pacing, host)
  console.end()
  const end: RunEnd = ended ?? (result as Exclude<RunResult, { kind: 'stopped' | 'idle' }>)
  const verdict = judge(end, {
    expecting: finder !== undefined,
    debugExitRaw: options.debugExitRaw,
    haltOk: options.haltOk,
    panic,
    failedWorkload: undefined,
  })
  if (verdict.message !== undefined) {
    const eip = machine.cpu.i32[0]! >>> 0
    process.stderr.write(`previrt: ${verdict.message} ${eip}\n`)
  }
  return verdict.status
}

function makeMachine(options: RunOptions): Machine {
  const { engine } = options
  if (!engineNames.includes(engine as EngineName)) throw notInThisVersion(`--engine ${engine}`)
  let model: ReturnType<typeof cpuModel>
  try {
    model = cpuModel(options.cpu)
  } catch (error) {
    throw new CommandError(`--cpu ${options.cpu}: ${(error as Error).message}`)
  }
  return new Machine({ memory: options.memoryBytes, model, engine: engine as EngineName })
}

function sinkOf({ serial, json }: RunOptions): ConsoleSink {
  if (serial === 'none') return noSink
  if (serial === 'stdio') return streamSink(json ? process.stderr : process.stdout)
  return fileSink(serial.file)
}
