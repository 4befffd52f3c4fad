// What the run loop runs: one machine, or under --engine lockstep the same guest on all engines at once, compared.

import type { Hypervisor } from '../../hypervisors/hypervisor.js'
import { hypervisorKind } from '../../hypervisors/registry.js'
import { cpuModel, PAE } from '../cpu/models.js'
import { type Difference, Lockstep } from '../debug/lockstep.js'
import { type BlockStorage, MemoryStorage } from '../devices/block-storage.js'
import type { EngineName } from '../engine/engines.js'
import { type Hosting, hostMachine } from '../machine/hosting.js'
import { PacketLine } from '../machine/line.js'
import { Machine, type RunResult } from '../machine/machine.js'
import { connectUserNetwork } from '../network/user-network.js'
import { openDisk, RunDisk } from './disk.js'
import { CommandError } from './failure.js'
import { readInput } from './input-file.js'
import type { RunOptions } from './options.js'

type Load = (machine: Machine, hypervisor: Hypervisor | undefined) => void

/** The options of `run`, and what follows from its guest. */
interface SubjectOptions extends RunOptions {
  readonly inVmm?: boolean
}

/** A hypervisor on its machine. */
export interface Virtual {
  readonly hypervisor: Hypervisor
  readonly hosting: Hosting
  /** The guest is in a VMM. */
  readonly inVmm: boolean
}

export interface Subject {
  /** The machine that is reported on. */
  readonly machine: Machine
  /** Its hypervisor; undefined on native. */
  readonly virtual: Virtual | undefined
  /** The disk of that machine. */
  readonly disk: RunDisk | undefined
  /** The wire of its network card. */
  readonly wire: PacketLine | undefined
  /** At most so many instructions more; with `stopWhenIdle` as Machine.run. */
  run(budget: number, stopWhenIdle: boolean): RunResult | Difference
  /** Console input. */
  send(bytes: Uint8Array): void
  /** Ends run() soon. */
  stop(): void
}

/**
 * Makes the machine or machines.
 * @param load puts a guest into a new machine and sets its entry, by its hypervisor where it has one
 * @param onConsole receives the console's bytes
 */
export function makeSubject(options: SubjectOptions, load: Load, onConsole: (byte: number) => void): Subject {
  if (options.engine === 'lockstep') return lockstep(options, load, onConsole)
  const disk = options.disk === undefined ? undefined : openDisk(options.disk)
  const wire = options.net === 'user' ? new PacketLine('user network') : undefined
  const machine = makeMachine(options, options.engine as EngineName, disk, wire)
  const virtual = host(machine, options, disk, wire)
  load(machine, virtual?.hypervisor)
  machine.onConsole = onConsole
  return {
    machine,
    virtual,
    disk,
    wire,
    run: (budget, stopWhenIdle) => machine.run(budget, stopWhenIdle),
    send: bytes => (virtual ? virtual.hosting.send(bytes) : machine.platform.com1.input(bytes)),
    stop: () => machine.stop(),
  }
}

/** All engines together. Each machine has its own copy of the disk, and none is written back. */
function lockstep(options: SubjectOptions, load: Load, onConsole: (byte: number) => void): Subject {
  let first: Virtual | undefined
  let firstDisk: RunDisk | undefined
  let firstWire: PacketLine | undefined
  const group = new Lockstep({
    seed: options.seed,
    make: (engine, thresholds) => {
      const { disk: file } = options
      const disk = file === undefined ? undefined : new RunDisk(new MemoryStorage(readInput(file).bytes))
      firstDisk ??= disk
      const wire = options.net === 'user' ? new PacketLine('user network') : undefined
      firstWire ??= wire
      const machine = makeMachine({ ...options, thresholds }, engine, disk, wire)
      const virtual = host(machine, options, disk, wire)
      first ??= virtual
      load(machine, virtual?.hypervisor)
      return machine
    },
  })
  group.onConsole = onConsole
  group.onNarrowing = step => process.stderr.write(`previrt: ${step}\n`)
  return {
    machine: group.machines[0]!,
    virtual: first,
    disk: firstDisk,
    wire: firstWire,
    run: budget => group.run(budget),
    send: bytes => group.send(bytes),
    stop: () => group.stop(),
  }
}

/** Gives a machine the hypervisor that the options name. */
function host(
  machine: Machine,
  { on, profile, inVmm = false }: SubjectOptions,
  block: BlockStorage | undefined,
  net: PacketLine | undefined,
): Virtual | undefined {
  const kind = hypervisorKind(on)!
  if (kind.path === 'native') return undefined
  const log = (byte: number) => process.stderr.write(Uint8Array.of(byte))
  const hosting = hostMachine(machine, trap => hypervisor.handle(trap), { log, block, net })
  const hypervisor = kind.make(hosting.host, profile)
  return { hypervisor, hosting, inVmm }
}

/**
 * Makes the machine that options ask for.
 * @param options with `beside` the memory of guests beside the first, in bytes
 * @throws CommandError for a CPU model that does not do
 */
export function makeMachine(
  options: RunOptions & Pick<ConstructorParameters<typeof Machine>[0], 'thresholds'> & { beside?: number },
  engine: EngineName,
  disk: BlockStorage | undefined,
  wire?: PacketLine,
): Machine {
  let model: ReturnType<typeof cpuModel>
  try {
    model = cpuModel(options.cpu)
  } catch (error) {
    throw new CommandError(`--cpu: ${(error as Error).message}`)
  }
  if (options.on === 'xen' && (model.features & PAE) === 0)
    throw new CommandError(`--cpu: ${options.cpu} has no PAE, which guests on xen page with; use pentium4`)
  const { memoryBytes, beside = 0 } = options
  const machine = new Machine({
    memory: memoryBytes,
    reserve: beside + hypervisorKind(options.on)!.reserveBytes(memoryBytes + beside),
    model,
    engine,
    disk,
    // On Xen the card is its driver's.
    network: options.on === 'xen' && !options.privileged ? undefined : wire,
    testDevice: options.multiboot !== undefined,
    ...(options.thresholds && { thresholds: options.thresholds }),
  })
  if (wire) connectUserNetwork(wire, machine.clock)
  return machine
}
