// The `run` command: puts machine, guest, console and limits together, runs, judges and reports.

import * as L from '../cpu/layout.js'
import { cpuModel } from '../cpu/models.js'
import { type EngineName, engineNames } from '../engine/engines.js'
import { enter } from '../machine/entry.js'
import { Machine, type RunResult } from '../machine/machine.js'
import { type ConsoleSink, fileSink, GuestConsole, noSink, streamSink, TextFinder } from './console.js'
import { openDisk } from './disk.js'
import { judge, type RunEnd, STATUS_PANIC, STATUS_WELL } from './exit.js'
import { CommandError, notInThisVersion } from './failure.js'
import { findGuest, type Guest, loadGuest } from './guest.js'
import { GuestProgress } from './guest-progress.js'
import { Wake, watchHost } from './interruptions.js'
import type { RunOptions } from './options.js'
import { type EndPlace, runReport } from './report.js'
import { runPaced } from './run-loop.js'
import { noInput, openInput } from './terminal.js'

/** Runs a guest. Returns the exit status; throws CommandError or LoadError where it cannot be started. */
export async function run(options: RunOptions): Promise<number> {
  const startedAt = performance.now()
  const files = await findGuest(options)
  const machine = makeMachine(options)
  const guest = loadGuest(machine, files, options)
  const progress = new GuestProgress(() => machine.retired)
  const wake = new Wake()
  let ended: RunEnd | undefined
  const end = (how: RunEnd) => {
    ended ??= how
    machine.stop()
    wake.wake()
  }
  const console = connectConsole(machine, options, progress, end)
  const input =
    options.serial !== 'stdio'
      ? noInput
      : openInput({
          input: bytes => {
            machine.platform.com1.input(bytes)
            wake.wake()
          },
          leave: () => end({ kind: 'user' }),
          end: () => wake.wake(),
        })
  const stopWatching = watchHost(options.timeoutSeconds, end)
  enter(machine.cpu, guest.entry)
  try {
    const pacing = options.realtime ? 'realtime' : input.interactive ? 'idle' : 'free'
    const result = await runPaced(machine, options.budget ?? Number.MAX_SAFE_INTEGER, pacing, {
      between: () => {
        console.flush()
        return ended && { kind: 'stopped' }
      },
      mayHaveInput: () => input.open,
      woken: () => wake.woken(),
    })
    console.end()
    ended ??= result as Exclude<RunResult, { kind: 'stopped' | 'idle' }>
  } finally {
    input.close()
    stopWatching()
  }
  return conclude(machine, guest, options, progress, ended, (performance.now() - startedAt) / 1000)
}

function makeMachine(options: RunOptions): Machine {
  const engine = options.engine as EngineName
  if (!engineNames.includes(engine)) throw notInThisVersion(`--engine ${engine}`)
  let model: ReturnType<typeof cpuModel>
  try {
    model = cpuModel(options.cpu)
  } catch (error) {
    throw new CommandError(`--cpu: ${(error as Error).message}`)
  }
  return new Machine({
    memory: options.memoryBytes,
    model,
    engine,
    testDevice: options.multiboot !== undefined,
    ...(options.disk !== undefined && { disk: openDisk(options.disk) }),
  })
}

function connectConsole(
  machine: Machine,
  { serial, json, expect }: RunOptions,
  progress: GuestProgress,
  end: (how: RunEnd) => void,
): GuestConsole {
  let sink: ConsoleSink
  if (serial === 'none') sink = noSink
  else if (serial === 'stdio') sink = streamSink(json ? process.stderr : process.stdout)
  else sink = fileSink(serial.file)
  const finder = expect === undefined ? undefined : new TextFinder(expect)
  const watch = (byte: number) => {
    if (finder?.take(byte)) end({ kind: 'expect' })
  }
  const console = new GuestConsole(sink, watch, line => progress.line(line))
  machine.onConsole = byte => console.put(byte)
  return console
}

/** Judges a run that has ended, and says so on standard error, with --json on standard output too. */
function conclude(
  machine: Machine,
  guest: Guest,
  options: RunOptions,
  progress: GuestProgress,
  end: RunEnd,
  hostSeconds: number,
): number {
  const verdict = judge(end, {
    expecting: options.expect !== undefined,
    debugExitRaw: options.debugExitRaw,
    haltOk: options.haltOk,
    panic: progress.panic,
    failedWorkload: progress.failure,
  })
  const { status, message } = verdict
  const tellsPlace = status === STATUS_PANIC || end.kind === 'budget' || end.kind === 'timeout'
  const place = status === STATUS_WELL && !options.json ? undefined : placeOf(machine, guest)
  if (message !== undefined) {
    const where = tellsPlace && place ? ` at ${describe(place)}` : ''
    process.stderr.write(`previrt: ${message}${where}\n`)
  }
  if (options.json) {
    const report = runReport(machine, options, verdict, place!, progress, hostSeconds)
    process.stdout.write(`${JSON.stringify(report)}\n`)
  }
  return status
}

function placeOf({ cpu }: Machine, guest: Guest): EndPlace {
  const eip = (cpu.eip + cpu.i32[L.segmentCell(L.CS, L.SEG_BASE) >> 2]!) >>> 0
  const symbols = guest.symbols()
  return { eip, symbol: symbols.at(eip) && symbols.describe(eip) }
}

function describe({ eip, symbol }: EndPlace): string {
  return `EIP 0x${eip.toString(16).padStart(8, '0')}${symbol === undefined ? '' : ` (${symbol})`}`
}
