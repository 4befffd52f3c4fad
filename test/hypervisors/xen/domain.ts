// Small paravirtual kernels on a whole machine: built from kernel/ with gcc, started as a domain, run to their end.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GuestImage, Hypervisor } from '../../../hypervisors/hypervisor.js'
import { type Xen, xen } from '../../../hypervisors/xen/xen.js'
import { cpuModel } from '../../../src/cpu/models.js'
import type { BlockStorage } from '../../../src/devices/block-storage.js'
import type { EngineName } from '../../../src/engine/engines.js'
import { isElf, parseElf } from '../../../src/loader/elf.js'
import { type Hosting, hostMachine } from '../../../src/machine/hosting.js'
import type { PacketLine } from '../../../src/machine/line.js'
import { Machine, type RunResult } from '../../../src/machine/machine.js'

const SOURCES = join(import.meta.dirname, 'kernel')
const FLAGS = [
  '-m32',
  '-march=i686',
  '-O1',
  '-std=gnu11',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-ffreestanding',
  '-fno-pic',
  '-no-pie',
  '-nostdlib',
  '-fno-stack-protector',
  '-fcf-protection=none',
  '-fno-asynchronous-unwind-tables',
  '-fno-strict-aliasing',
  '-mgeneral-regs-only',
  '-Wl,--build-id=none,--no-warn-rwx-segments',
]
const MEMORY = 16 << 20

/** Builds a kernel of kernel/ that lies at a linear address. */
export function buildKernel(name: string, base = 0xc0000000): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'previrt-xen-'))
  try {
    const out = join(folder, name)
    const sources = ['start.S', 'kernel.c', 'calls.c', `${name}.c`].map(file => join(SOURCES, file))
    const place = `0x${base.toString(16)}`
    const link = ['-Wl,-T', `-Wl,${join(SOURCES, 'kernel.ld')}`, `-Wl,--defsym=VIRT_BASE=${place}`]
    execFileSync('gcc', [...FLAGS, `-DVIRT_BASE=${place}`, ...link, '-o', out, ...sources])
    return readFileSync(out)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export interface DomainOptions {
  readonly privileged?: boolean
  readonly profile?: string
  readonly engine?: EngineName
  readonly memoryBytes?: number
  readonly module?: Uint8Array
  readonly commandLine?: string
  readonly disk?: BlockStorage
  readonly net?: PacketLine
  /** What each byte of the machine's memory holds at the start, when not 0. */
  readonly memoryHolds?: number
}

/** A domain on its machine. */
export interface RunningDomain {
  readonly machine: Machine
  readonly hosting: Hosting
  readonly hypervisor: Hypervisor
  /** What the console's ring has shown (of the control domain: what it has written by console_io). */
  readonly console: () => string
  /** What console_io has shown of an unprivileged domain. */
  readonly log: () => string
  run(budget: number): RunResult
}

/** A kernel for one of several domains. */
export interface DomainImage {
  readonly kernel: Uint8Array
  readonly memoryBytes?: number
  readonly module?: Uint8Array
  readonly commandLine?: string
  readonly privileged?: boolean
  readonly disk?: BlockStorage
  readonly net?: PacketLine
}

/** Several domains on one machine. */
export interface RunningDomains {
  readonly machine: Machine
  readonly hosting: Hosting
  readonly hypervisor: Xen
  /** What each has shown: on the console's ring, or by console_io. */
  readonly consoles: readonly (() => string)[]
  readonly logs: readonly (() => string)[]
}

function imageOf({
  kernel,
  memoryBytes = MEMORY,
  module,
  commandLine = '',
  privileged = false,
}: DomainImage): GuestImage {
  const file = 'kernel'
  return {
    name: file,
    memoryBytes,
    kernel: { file, bytes: kernel },
    elf: isElf(kernel) ? parseElf(file, kernel) : undefined,
    commandLine,
    modules: module ? [{ file: 'module', bytes: module, commandLine: undefined }] : [],
    privileged,
    load: () => {
      throw new Error('a domain is not loaded as on bare hardware')
    },
  }
}

/** Starts kernels as domains side by side. */
export function startDomains(
  images: readonly DomainImage[],
  { profile, engine = 'blocks', memoryHolds = 0 }: Pick<DomainOptions, 'profile' | 'engine' | 'memoryHolds'> = {},
): RunningDomains {
  const guests = images.map(imageOf)
  const together = guests.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)
  const reserve = xen.reserveBytes(together) + together - guests[0]!.memoryBytes
  const machine = new Machine({ memory: guests[0]!.memoryBytes, reserve, model: cpuModel('pentium4'), engine })
  const { ram } = machine.memory
  if (memoryHolds !== 0) ram.fill(memoryHolds)
  const hosting = hostMachine(machine, trap => hypervisor.handle(trap))
  const hypervisor = xen.make(hosting.host, profile) as Xen
  const consoles = guests.map(() => '')
  const logs = guests.map(() => '')
  guests.forEach((_, n) => {
    const account = hosting.account(n)
    account.block = images[n]!.disk
    account.net = images[n]!.net
    account.onConsole = byte => {
      consoles[n] += String.fromCharCode(byte)
    }
    account.onLog = byte => {
      logs[n] += String.fromCharCode(byte)
    }
  })
  hypervisor.boot(guests)
  return {
    machine,
    hosting,
    hypervisor,
    consoles: guests.map((_, n) => () => consoles[n]!),
    logs: guests.map((_, n) => () => logs[n]!),
  }
}

/** Starts a kernel as a domain. */
export function startDomain(kernel: Uint8Array, options: DomainOptions = {}): RunningDomain {
  const { machine, hosting, hypervisor, consoles, logs } = startDomains([{ ...options, kernel }], options)
  return { machine, hosting, hypervisor, console: consoles[0]!, log: logs[0]!, run: budget => machine.run(budget) }
}
