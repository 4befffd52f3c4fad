// `run` with several guests: each has its console, limits and verdict of its own; the run ends when all have ended, and its
// status is that of the guest that fared worst.

import * as L from '../cpu/layout.js'
import type { Machine } from '../machine/machine.js'
import { type ConsoleSink, fileSink, GuestConsole, noSink, streamSink, TextFinder } from './console.js'
import {
  judge,
  type RunEnd,
  STATUS_GUEST_FAILED,
  STATUS_LIMIT,
  STATUS_PANIC,
  STATUS_WELL,
  type Verdict,
} from './exit.js'
import { namedSink } from './guest-consoles.js'
import { type Group, type Member, makeGroup } from './guest-group.js'
import type { GuestSpec } from './guest-specs.js'
import { Wake, watchHost } from './interruptions.js'
import type { RunOptions } from './options.js'
import type { EndPlace } from './report.js'
import { runPaced } from './run-loop.js'

/** From worst to best. */
const STATUSES = [STATUS_PANIC, STATUS_LIMIT, STATUS_GUEST_FAILED, STATUS_WELL]

/** How one guest of several has ended. */
export interface GuestEnd {
  readonly member: Member
  readonly verdict: Verdict
  readonly place: EndPlace
  readonly digest: string
}

/** Runs the guests. Returns the exit status; throws CommandError or LoadError where one cannot be started. */
export async function runGuests(specs: readonly GuestSpec[], options: RunOptions): Promise<number> {
  const startedAt = performance.now()
  const group = await makeGroup(specs, options)
  const { subject, members } = group
  const wake = new Wake()
  let ended: RunEnd | undefined
  const end = (how: RunEnd) => {
    ended ??= how
    subject.stop()
    wake.wake()
  }
  const met = new Set<Member>()
  const consoles = members.map(member =>
    connect(member, options, () => {
      met.add(member)
      if (met.size === members.length) end({ kind: 'expect' })
    }),
  )
  const stopWatching = watchHost(options.timeoutSeconds, end)
  try {
    const pacing = options.realtime ? 'realtime' : 'free'
    const result = await runPaced(subject, options.budget ?? Number.MAX_SAFE_INTEGER, pacing, {
      between: () => ended && { kind: 'stopped' },
      flush: () => {
        for (const console of consoles) console.flush()
      },
      isHeld: () => false,
      mayHaveInput: () => false,
      woken: () => wake.woken(),
    })
    if (result.kind !== 'stopped') end(result as RunEnd)
  } finally {
    stopWatching()
  }
  for (const console of consoles) console.end()
  for (const { disk } of members) disk?.settle()
  const hostSeconds = (performance.now() - startedAt) / 1000
  return await conclude(group, options, ended!, met, hostSeconds)
}

/** A guest's console: where `--serial` says, with its name before each line, or after a file's. */
function connect(
  { name, account, progress }: Member,
  { serial, json, expect }: RunOptions,
  onExpected: () => void,
): GuestConsole {
  let sink: ConsoleSink
  if (serial === 'none') sink = noSink
  else if (serial === 'stdio') sink = namedSink(name, streamSink(json ? process.stderr : process.stdout))
  else sink = fileSink(`${serial.file}.${name}`)
  const finder = expect === undefined ? undefined : new TextFinder(expect)
  const watch = (byte: number) => {
    if (finder?.take(byte)) onExpected()
  }
  const console = new GuestConsole(sink, watch, line => progress.line(line))
  account.onConsole = byte => console.put(byte)
  const log = namedSink(name, streamSink(process.stderr))
  account.onLog = byte => log.write(Uint8Array.of(byte))
  return console
}

/** Judges each guest, and says so on standard error, with --json on standard output too. */
async function conclude(
  group: Group,
  options: RunOptions,
  end: RunEnd,
  met: ReadonlySet<Member>,
  hostSeconds: number,
): Promise<number> {
  const ends = group.members.map((member): GuestEnd => {
    const { account, progress, name } = member
    const own = met.has(member) ? { kind: 'expect' as const } : ((account.result as RunEnd | undefined) ?? end)
    const verdict = judge(own, {
      expecting: options.expect !== undefined,
      debugExitRaw: options.debugExitRaw,
      haltOk: options.haltOk,
      panic: progress.panic,
      failedWorkload: progress.failure,
    })
    const digest = member.digest()
    const place = placeOf(group.subject.machine, member)
    if (verdict.message !== undefined)
      process.stderr.write(`previrt: [${name}] ${verdict.message}${where(verdict, place)}\n`)
    return { member, verdict, place, digest }
  })
  const status = worst(ends.map(({ verdict }) => verdict.status))
  if (options.json) {
    const { groupReport } = await import('./group-report.js')
    process.stdout.write(`${JSON.stringify(groupReport(group, options, ends, status, hostSeconds))}\n`)
  }
  return status
}

/** The status that counts; one that no guest has by itself (a signal) counts first. */
function worst(statuses: readonly number[]): number {
  const rank = (status: number) => STATUSES.indexOf(status)
  return statuses.reduce((a, b) => (rank(b) < rank(a) ? b : a))
}

function where({ status }: Verdict, { eip, symbol }: EndPlace): string {
  if (status !== STATUS_PANIC && status !== STATUS_LIMIT) return ''
  return ` at EIP 0x${eip.toString(16).padStart(8, '0')}${symbol === undefined ? '' : ` (${symbol})`}`
}

/** Where a guest stands whose registers the processor has. */
function placeOf({ cpu }: Machine, member: Member): EndPlace {
  const eip = (cpu.eip + cpu.i32[L.segmentCell(L.CS, L.SEG_BASE) >> 2]!) >>> 0
  const symbols = member.symbols()
  return { eip, symbol: symbols.at(eip) && symbols.describe(eip) }
}
