// Small paravirtual kernels on a whole machine: built from kernel/ with gcc, started as a domain, run to their end.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hypervisor } from '../../../hypervisors/hypervisor.js'
import { xen } from '../../../hypervisors/xen/xen.js'
import { cpuModel } from '../../../src/cpu/models.js'
import type { EngineName } from '../../../src/engine/engines.js'
import { isElf, parseElf } from '../../../src/loader/elf.js'
import { type Hosting, hostMachine } from '../../../src/machine/hosting.js'
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

/** Starts a kernel as a domain. */
export function startDomain(kernel: Uint8Array, options: DomainOptions = {}): RunningDomain {
  const { privileged = false, profile, engine = 'blocks', memoryBytes = MEMORY, module, commandLine = '' } = options
  const reserve = xen.reserveBytes(memoryBytes)
  const machine = new Machine({ memory: memoryBytes, reserve, model: cpuModel('pentium4'), engine })
  let console = ''
  let log = ''
  machine.onConsole = byte => {
    console += String.fromCharCode(byte)
  }
  const hosting = hostMachine(machine, trap => hypervisor.handle(trap), {
    log: byte => {
      log += String.fromCharCode(byte)
    },
  })
  const hypervisor = xen.make(hosting.host, profile)
  const file = 'kernel'
  hypervisor.boot([
    {
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
    },
  ])
  return {
    machine,
    hosting,
    hypervisor,
    console: () => console,
    log: () => log,
    run: budget => machine.run(budget),
  }
}
