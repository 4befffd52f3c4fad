// The `run` command: puts machine, guest, console and limits together, runs, judges and reports.

import type { Hypervisor } from '../../hypervisors/hypervisor.js'
import * as L from '../cpu/layout.js'
import type { Difference } from '../debug/lockstep.js'
import { lockstepReport } from '../debug/lockstep-report.js'
import type { SymbolTable } from '../loader/symbols.js'
import { enter } from '../machine/entry.js'
import type { Machine, RunResult } from '../machine/machine.js'
import { type ConsoleSink, fileSink, GuestConsole, noSink, streamSink, TextFinder } from './console.js'
import type { DebugEvents, DebugSession } from './debug-session.js'
import { judge, type RunEnd, STATUS_GUEST_FAILED, STATUS_PANIC, STATUS_WELL } from './exit.js'
import { CommandError } from './failure.js'
import { describeGuest, findGuest, type Guest, type GuestFiles, guestSymbols, loadGuest } from './guest.js'
import { GuestProgress } from './guest-progress.js'
import { Wake, watchHost } from './interruptions.js'
import type { Observation } from './observation.js'
import type { RunOptions } from './options.js'
import type { EndPlace } from './report.js'
import type { RunCounting } from './run-counts.js'
import { runPaced } from './run-loop.js'
import type { MissedSites, SiteCheck } from './site-check.js'
import { makeSubject, type Subject } from './subject.js'
import { type Input, noInput, openInput } from './terminal.js'
import type { Virtualized } from './virtualized.js'

/** Runs a guest. Returns the exit status; throws CommandError or LoadError where it cannot be started. */
export async function run(options: RunOptions): Promise<number> {
  const startedAt = performance.now()
  const files = await findGuest(options)
  const virtualized = await inVmm(options, files)
  const wake = new Wake()
  let ended: RunEnd | undefined
  const end = (how: RunEnd) => {
    ended ??= how
    subject.stop()
    wake.wake()
  }
  let symbols: Guest['symbols']
  const counting = await countWhereAsked(options, () => subject, virtualized !== undefined)
  const progress = new GuestProgress(counting)
  const load = (machine: Machine, hypervisor: Hypervisor | undefined) => {
    if (hypervisor) {
      hypervisor.boot([describeGuest(machine, files, options, virtualized)])
      symbols = guestSymbols(files)
    } else {
      const guest = loadGuest(machine, files, options)
      enter(machine.cpu, guest.entry)
      symbols = guest.symbols
    }
  }
  const memoryBytes = virtualized?.memoryBytes ?? options.memoryBytes
  const made = makeSubject({ ...options, memoryBytes, inVmm: virtualized !== undefined }, load, byte =>
    console.put(byte),
  )
  const observation = await observeWhereAsked(made, options, () => symbols!())
  const subject = observation?.subject ?? made
  const sites = await checkSitesWhereAsked(made.machine, options, virtualized)
  counting?.start(made.machine)
  const console = connectConsole(options, progress, end)
  const { machine } = subject
  const input = connectInput(options, subject, wake, end)
  const stopWatching = watchHost(options.timeoutSeconds, end)
  const stopWhen = options.budget ?? Number.MAX_SAFE_INTEGER
  const endWith = (result: RunResult | Difference) => end(result as RunEnd)
  let debug: DebugSession | undefined
  let difference: Difference | undefined
  try {
    debug = await connectDebugger(options, machine, {
      yieldToHost: async () => {
        console.flush()
        if (machine.retired >= stopWhen) end({ kind: 'budget' })
        await new Promise(resolve => setImmediate(resolve))
      },
      waitForInput: async () => {
        console.flush()
        if (input.open) await wake.woken()
        return input.open
      },
      ended: result => {
        endWith(result)
        return result.kind === 'power-off' || result.kind === 'reset' ? STATUS_WELL : STATUS_GUEST_FAILED
      },
      killed: () => end({ kind: 'user' }),
      changed: () => wake.wake(),
    })
    const pacing = options.realtime ? 'realtime' : input.interactive ? 'idle' : 'free'
    const result = await runPaced(subject, stopWhen, pacing, {
      between: () => ended && { kind: 'stopped' },
      flush: () => console.flush(),
      isHeld: () => debug?.holds ?? false,
      mayHaveInput: () => input.open,
      woken: () => wake.woken(),
    })
    console.end()
    if (result.kind === 'difference') difference = result
    if (result.kind !== 'stopped') endWith(result)
  } finally {
    input.close()
    stopWatching()
    await debug?.close()
    made.disk?.settle()
  }
  observation?.finish()
  if (difference) process.stderr.write(`${await lockstepReport(difference)}\n`)
  const missed = sites?.missed(symbols!())
  return await conclude(
    subject,
    symbols!,
    options,
    progress,
    counting,
    ended!,
    missed,
    (performance.now() - startedAt) / 1000,
  )
}

/** The guest in a VMM where the path needs one for it. */
async function inVmm({ on, memoryBytes }: RunOptions, files: GuestFiles): Promise<Virtualized | undefined> {
  if (on !== 'xen' || files.kind !== 'linux') return undefined
  const { annotatedKernel, virtualize } = await import('./virtualized.js')
  const kernel = annotatedKernel(on, files.kernel)
  return kernel && (await virtualize(on, kernel, files, memoryBytes))
}

function connectInput(options: RunOptions, subject: Subject, wake: Wake, end: (how: RunEnd) => void): Input {
  if (options.serial !== 'stdio') return noInput
  return openInput({
    input: bytes => {
      subject.send(bytes)
      wake.wake()
    },
    leave: () => end({ kind: 'user' }),
    end: () => wake.wake(),
  })
}

async function countWhereAsked(
  { json, countSensitive }: RunOptions,
  subject: () => Subject,
  hasVmm: boolean,
): Promise<RunCounting | undefined> {
  if (!json) return undefined
  return new (await import('./run-counts.js')).RunCounting(subject, { hasVmm, sensitive: countSensitive })
}

async function checkSitesWhereAsked(
  machine: Machine,
  { checkSites }: RunOptions,
  virtualized: Virtualized | undefined,
): Promise<SiteCheck | undefined> {
  if (!checkSites) return undefined
  if (!virtualized) throw new CommandError('--check-sites: only for an annotated guest with a VMM, as by --on xen')
  return new (await import('./site-check.js')).SiteCheck(machine)
}

async function observeWhereAsked(
  subject: Subject,
  options: RunOptions,
  symbols: Guest['symbols'],
): Promise<Observation | undefined> {
  if (options.trace.length === 0 && options.profileFile === undefined) return undefined
  return await (await import('./observation.js')).observe(subject, options, symbols)
}

async function connectDebugger(
  options: RunOptions,
  machine: Machine,
  events: DebugEvents,
): Promise<DebugSession | undefined> {
  if (options.gdbPort === undefined) return undefined
  const { DebugSession } = await import('./debug-session.js')
  return await DebugSession.open(machine, options.gdbPort, options.wait, events)
}

function connectConsole(
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
  return new GuestConsole(sink, watch, line => progress.line(line))
}

/** Judges a run that has ended, and says so on standard error, with --json on standard output too. */
async function conclude(
  subject: Subject,
  symbols: Guest['symbols'],
  options: RunOptions,
  progress: GuestProgress,
  counting: RunCounting | undefined,
  end: RunEnd,
  missed: MissedSites | undefined,
  hostSeconds: number,
): Promise<number> {
  const verdict = judge(end, {
    expecting: options.expect !== undefined,
    debugExitRaw: options.debugExitRaw,
    haltOk: options.haltOk,
    panic: progress.panic,
    failedWorkload: progress.failure,
  })
  const { status, message } = verdict
  const tellsPlace = status === STATUS_PANIC || end.kind === 'budget' || end.kind === 'timeout'
  const place = status === STATUS_WELL && !options.json ? undefined : placeOf(subject.machine, symbols())
  if (message !== undefined) {
    const where = tellsPlace && place ? ` at ${describe(place)}` : ''
    process.stderr.write(`previrt: ${message}${where}\n`)
  }
  if (missed) process.stderr.write(`previrt: ${describeMissed(missed)}\n`)
  if (options.json) {
    const { runReport } = await import('./report.js')
    const report = runReport(subject, options, verdict, place!, progress, counting!.now(), missed, hostSeconds)
    process.stdout.write(`${JSON.stringify(report)}\n`)
  }
  return status
}

function describeMissed(missed: MissedSites): string {
  const all = missed.reduce((sum, { count }) => sum + count, 0)
  const where = missed.map(({ address, symbol }) => symbol ?? `0x${address.toString(16)}`)
  return `${all} sensitive instructions outside the sites${all > 0 ? `: ${where.join(', ')}` : ''}`
}

function placeOf({ cpu }: Machine, symbols: SymbolTable): EndPlace {
  const eip = (cpu.eip + cpu.i32[L.segmentCell(L.CS, L.SEG_BASE) >> 2]!) >>> 0
  return { eip, symbol: symbols.at(eip) && symbols.describe(eip) }
}

function describe({ eip, symbol }: EndPlace): string {
  return `EIP 0x${eip.toString(16).padStart(8, '0')}${symbol === undefined ? '' : ` (${symbol})`}`
}
