// The command `image profile`: runs an annotated image, finds the stores to live tables that no site covers, adds them
// to its profile, builds it again, and counts such stores before and after on other workloads.

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { Image } from '../../images/index.js'
import { addToProfile } from '../../images/profile.js'
import { profileStores } from '../afterburner/inspect/profile.js'
import { TableStoreRecorder } from '../debug/table-stores.js'
import { enter } from '../machine/entry.js'
import { judge, type RunEnd, STATUS_GUEST_FAILED, STATUS_WELL } from './exit.js'
import { CommandError } from './failure.js'
import { findGuest, loadGuest } from './guest.js'
import { GuestProgress } from './guest-progress.js'
import { buildNamed, locateAnnotated } from './image.js'
import { addRunOptions, readRunOptions } from './options.js'
import { ProgressLine } from './progress-line.js'
import { makeSubject } from './subject.js'

/** Workloads that the profile is taken with, and those that count before and after: none is in both lists. */
const RECORDED = 'fork,mmap,signal,tls,loop'
const COUNTED: Readonly<Record<string, string>> = {
  mini: 'syscall,exec,pipe,fault,switch,fpu,smc,sort,sha,grep',
  linux: 'syscall,exec,pipe,fault,switch,fpu,smc,sort,gzip,sha,awk,grep,compile,disk,net',
}
/** Per cent for Linux; mini's workloads are short enough. */
const LINUX_SCALE = 'scale=20 quiet'
const KERNEL_START = 0x80000000
const SLICE_INSTRUCTIONS = 2_000_000
/** A guest that runs longer is stuck. */
const BUDGET_INSTRUCTIONS = 20_000_000_000
const ACCEPTED_SHARE = 0.001
const USERLAND = 'previrt: userland'

/** Stores to tables during a run. */
interface StoreCounts {
  readonly workloads: string
  /** From boot to the end where the profile is taken, else from the first workload to the last. */
  readonly stores: number
  /** Those by instructions that are no site. */
  readonly outside: number
}

/** `image profile`. Status 1 when more than one store in a thousand is still outside the sites. */
export async function imageProfile(name: string, options: { json?: boolean }): Promise<number> {
  const image = await locateAnnotated(name)
  const counted = COUNTED[name] ?? COUNTED.linux!
  const recorded = await record(image, RECORDED, false)
  const { lines } = findOutside(image, recorded)
  const before = countStores(image, counted, await record(image, counted, true))
  const profile = addToProfile(name, lines)
  const next = lines.length === 0 ? image : await buildNamed(name, false)
  const after = next.path === image.path ? before : countStores(next, counted, await record(next, counted, true))
  const result = {
    image: name,
    profile,
    added: lines,
    recorded: countStores(image, RECORDED, recorded),
    before,
    after,
  }
  process.stdout.write(options.json ? `${JSON.stringify({ schemaVersion: 1, ...result })}\n` : describe(result))
  return shareOf(after) <= ACCEPTED_SHARE ? STATUS_WELL : STATUS_GUEST_FAILED
}

function findOutside(image: Image, stores: ReadonlyMap<number, number>) {
  return profileStores(image.path, readFileSync(image.path), [...stores.keys()])
}

function countStores(image: Image, workloads: string, stores: ReadonlyMap<number, number>): StoreCounts {
  const sum = (counts: Iterable<number>) => [...counts].reduce((total, count) => total + count, 0)
  const all = sum(stores.values())
  const known = sum(findOutside(image, stores).known.map(address => stores.get(address)!))
  return { workloads, stores: all, outside: all - known }
}

/**
 * Runs workloads and counts stores to live tables by the address of the instruction.
 * @param onlyWorkloads forgets what the boot did
 */
async function record(image: Image, workloads: string, onlyWorkloads: boolean): Promise<ReadonlyMap<number, number>> {
  const isMini = image.name === 'mini'
  const append = `workload=${workloads}${isMini ? '' : ` ${LINUX_SCALE}`}`
  const words = [image.name, '--append', append, '--engine', 'interpreter', '--cpu', 'previrt-guest', '--net', 'user']
  const parsed = addRunOptions(new Command()).parse(words, { from: 'user' })
  const options = readRunOptions(image.name, parsed.opts())
  const files = { ...(await findGuest(options)), kernel: image.path }
  const line = new ProgressLine(`profiling ${image.name}`)
  let text = ''
  const take = (byte: number) => {
    if (byte !== 0x0a) text += String.fromCharCode(byte)
    else {
      const ended = text.trimEnd()
      text = ''
      progress.line(ended)
      if (onlyWorkloads && ended === USERLAND) recorder.stores.clear()
    }
  }
  const { machine } = makeSubject(options, made => enter(made.cpu, loadGuest(made, files, options).entry), take)
  const progress = new GuestProgress()
  const recorder = new TableStoreRecorder(machine, KERNEL_START)
  try {
    for (;;) {
      const result = recorder.run(SLICE_INSTRUCTIONS)
      if (result.kind !== 'budget' || machine.retired > BUDGET_INSTRUCTIONS) {
        requireGoodEnd(image, result as RunEnd, progress)
        return recorder.stores
      }
      const job = progress.workloads.at(-1)?.name ?? 'boot'
      line.show(`${job}, ${Math.round(machine.retired / 1e6)} M instructions`)
      await new Promise(resolve => setImmediate(resolve))
    }
  } finally {
    line.clear()
  }
}

function requireGoodEnd(image: Image, end: RunEnd, progress: GuestProgress): void {
  const { panic, failure: failedWorkload } = progress
  const verdict = judge(end, { expecting: false, debugExitRaw: false, haltOk: false, panic, failedWorkload })
  if (verdict.status === STATUS_WELL) return
  throw new CommandError(`${image.name}: ${verdict.message}; nothing was added to the profile`, verdict.status)
}

function shareOf({ stores, outside }: StoreCounts): number {
  return stores === 0 ? 0 : outside / stores
}

function describe(
  result: Record<'recorded' | 'before' | 'after', StoreCounts> & { profile: string; added: readonly string[] },
) {
  const row = (title: string, counts: StoreCounts) => {
    const share = `${(shareOf(counts) * 100).toFixed(3)} %`
    const numbers = `${counts.stores} stores to tables, ${counts.outside} of them outside sites (${share})`
    return `${title.padEnd(9)} ${numbers}; ${counts.workloads}\n`
  }
  const added = result.added.map(line => `  ${line}\n`).join('')
  return [
    row('recorded', result.recorded),
    `added     ${result.added.length} to ${result.profile}\n${added}`,
    row('before', result.before),
    row('after', result.after),
  ].join('')
}
