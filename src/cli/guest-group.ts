// Several guests on one machine under a hypervisor: found, loaded and booted, each with its account, console and symbols;
// and what is known of each when the run has ended. `run --guest` and `compare --consolidate` rest on it.

import type { GuestView, Hypervisor } from '../../hypervisors/hypervisor.js'
import { hypervisorKind } from '../../hypervisors/registry.js'
import { OPERATIONS } from '../cpu/operation-counts.js'
import { readState } from '../cpu/state.js'
import type { SymbolTable } from '../loader/symbols.js'
import type { GuestAccount } from '../machine/guest-account.js'
import { hostMachine } from '../machine/hosting.js'
import { openDisk, type RunDisk } from './disk.js'
import { CommandError, notInThisVersion } from './failure.js'
import { describeGuest, findGuest, type GuestFiles, guestSymbols } from './guest.js'
import { guestDigest } from './guest-digest.js'
import { type Counting, GuestProgress } from './guest-progress.js'
import type { GuestSpec } from './guest-specs.js'
import type { RunOptions } from './options.js'
import type { RunCounts } from './report-schema.js'
import { between, byVector } from './run-counts.js'
import { makeMachine, type Subject } from './subject.js'
import type { Virtualized } from './virtualized.js'

/** All guests' memory together: addresses in the machine's one linear memory stay below 2 GiB. */
const MEMORY_MAXIMUM = 1536 << 20

/** One of the guests. */
export interface Member {
  readonly name: string
  /** Image name or file. */
  readonly image: string
  readonly account: GuestAccount
  readonly view: GuestView
  readonly progress: GuestProgress
  readonly disk: RunDisk | undefined
  symbols(): SymbolTable
  counts(): RunCounts
  /** To be asked when the run has ended; the processor has the guest's registers then. */
  digest(): string
}

export interface Group {
  readonly subject: Subject
  readonly members: readonly Member[]
}

interface Found {
  readonly spec: GuestSpec
  readonly options: RunOptions
  readonly files: GuestFiles
  readonly virtualized: Virtualized | undefined
}

/**
 * Makes the machine and boots the guests, in this order.
 * @param options what they share; its memory is that of guests that name none
 * @throws CommandError or LoadError for what cannot be run
 */
export async function makeGroup(specs: readonly GuestSpec[], options: RunOptions): Promise<Group> {
  const kind = hypervisorKind(options.on)!
  if (!kind.hostsSeveral) throw notInThisVersion(`--guest --on ${options.on}`)
  const found = await Promise.all(specs.map(spec => find(spec, options)))
  const shared = found.find(
    ({ spec: { disk } }, n) => disk && found.slice(0, n).some(other => other.spec.disk === disk),
  )
  if (shared) throw new CommandError(`--guest --disk ${shared.spec.disk}: two guests have it; give each its own`)
  const memory = found.map(guest => guest.virtualized?.memoryBytes ?? guest.options.memoryBytes)
  const together = memory.reduce((sum, bytes) => sum + bytes, 0)
  if (together > MEMORY_MAXIMUM)
    throw new CommandError(
      `--guest: ${together >>> 20} MiB for all guests together; ${MEMORY_MAXIMUM >>> 20} MiB are the most, give less --mem`,
    )
  const machine = makeMachine(
    { ...options, memoryBytes: memory[0]!, beside: together - memory[0]! },
    options.engine as 'blocks',
    undefined,
  )
  const hosting = hostMachine(machine, trap => hypervisor.handle(trap))
  const disks = found.map(({ spec: { disk } }) => (disk === undefined ? undefined : openDisk(disk)))
  disks.forEach((disk, n) => {
    hosting.account(n).block = disk
  })
  const hypervisor: Hypervisor = kind.make(hosting.host, options.profile)
  hypervisor.boot(
    found.map(({ spec, options, files, virtualized }) => ({
      ...describeGuest(machine, files, options, virtualized),
      name: spec.name,
    })),
  )
  const members = found.map(({ spec, files, virtualized }, n): Member => {
    const account = hosting.account(n)
    const view = hypervisor.guests![n]!
    const disk = disks[n]
    const counts = () => ({
      ...countsOf(account, view, virtualized !== undefined),
      ...(disk && { disk: disk.counts }),
    })
    const counting: Counting = { now: counts, between }
    return {
      name: spec.name,
      image: (spec.image ?? spec.kernel)!,
      account,
      view,
      progress: new GuestProgress(counting),
      disk,
      symbols: guestSymbols(files),
      counts,
      digest: () => {
        hypervisor.show!(n)
        return guestDigest(readState(machine.cpu), view, virtualized !== undefined)
      },
    }
  })
  const subject: Subject = {
    machine,
    virtual: { hypervisor, hosting, inVmm: false },
    disk: undefined,
    wire: undefined,
    run: (budget, stopWhenIdle) => machine.run(budget, stopWhenIdle),
    send: () => {},
    stop: () => machine.stop(),
  }
  return { subject, members }
}

async function find(spec: GuestSpec, shared: RunOptions): Promise<Found> {
  const { image, kernel, initrd, append, plain, memoryBytes = shared.memoryBytes } = spec
  const options: RunOptions = { ...shared, image, kernel, initrd, append, plain, memoryBytes }
  const files = await findGuest(options)
  const { annotatedKernel, virtualize } = await import('./virtualized.js')
  const annotated = annotatedKernel(options.on, files.kernel)
  const virtualized = annotated && (await virtualize(options.on, annotated, files, memoryBytes))
  return { spec, options, files, virtualized }
}

/** What a guest has done, in the form of a whole run; what depends on its neighbours is absent. */
function countsOf(account: GuestAccount, view: GuestView, hasVmm: boolean): RunCounts {
  const { retired, inWindow, instructionsBy, exceptions, interrupts, software, operations, work } = account.counts
  const { kernel, ...others } = instructionsBy
  const { upcalls, pageTableUpdates, pageTableBatches, pageTablesWalked } = work
  return {
    instructions: retired,
    instructionsBy: { ...others, ...(hasVmm ? { kernel: kernel - inWindow, vmm: inWindow } : { kernel }) },
    haltedNanoseconds: view.haltedNanoseconds,
    virtualNanoseconds: view.nanoseconds,
    exceptions: byVector(exceptions),
    interrupts: byVector(interrupts),
    softwareInterrupts: byVector(software),
    operations: Object.fromEntries(
      OPERATIONS.flatMap((name, n) => (operations[n]! > 0 ? [[name, operations[n]!]] : [])),
    ),
    ports: {},
    hypercalls: Object.fromEntries(account.hypercalls),
    upcalls,
    pageTableUpdates: { entries: pageTableUpdates, batches: pageTableBatches, tables: pageTablesWalked },
    entries: account.entryCount,
    entriesBy: Object.fromEntries(account.entries),
  }
}
