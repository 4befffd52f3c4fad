// A machine without a hypervisor on which the VMM itself owns ring 0 (vmm/bare): the guest lies at the bottom of machine
// memory, the window above it. What a hypervisor's domain builder would do is done here: page tables for the window, the
// guest loaded and rewritten, the boot structure.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuModel, models } from '../../src/cpu/models.js'
import type { EngineName } from '../../src/engine/engines.js'
import { SENSITIVE_CLASSES } from '../../src/isa/sensitive.js'
import { formClasses } from '../../src/isa/sensitive-forms.js'
import { loadElf, parseElf } from '../../src/loader/elf.js'
import type { LoadedFile } from '../../src/loader/entry.js'
import { loadLinux } from '../../src/loader/linux.js'
import { enter } from '../../src/machine/entry.js'
import { Machine } from '../../src/machine/machine.js'
import { planRewrite, type RewritePlan } from '../../src/rewriter/plan.js'
import { type RewriteOutcome, rewrite } from '../../src/rewriter/rewriter.js'
import { OPERAND_TABLE, WINDOW_FRAMES, WINDOW_SLOTS, WINDOW_START } from '../../src/rewriter/virtual-cpu.js'

const PAGE = 4096
const WINDOW_BYTES = 8 << 20
const FRAME_TABLES = WINDOW_SLOTS / 1024
const WINDOW_TABLES = WINDOW_BYTES >> 22
const PRESENT_WRITABLE = 0x63
const ROOT = join(import.meta.dirname, '../..')

/** Builds a target of vmm/Makefile into a folder of its own and returns the path of `file` in it. */
export function buildVmm(target: string, file: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'previrt-vmm-'))
  execFileSync('make', ['-s', '-C', join(ROOT, 'vmm'), `BUILD=${folder}`, target], { stdio: 'pipe' })
  return join(folder, file)
}

export interface BareGuest {
  readonly kernel: LoadedFile
  readonly initrd?: LoadedFile
  readonly commandLine: string
  readonly memory: number
  readonly engine?: EngineName
}

export interface BareMachine {
  readonly machine: Machine
  readonly plan: RewritePlan
  readonly outcome: RewriteOutcome
  /** Sensitive instructions that guest kernel code executed although it is rewritten: name and address, with counts. */
  readonly missed: Map<string, number>
  /** Reads a word of the window. */
  word(linear: number): number
}

/** Intercepted classes that the guest may execute: the FPU is the real one. */
const NATIVE_CLASSES = SENSITIVE_CLASSES.filter(({ name }) => name.startsWith('fpu_')).map(({ number }) => number)

/** A machine at the VMM's first instruction. */
export function bareMachine(vmm: string, guest: BareGuest): BareMachine {
  const model = 'previrt-guest'
  const machine = new Machine({
    memory: guest.memory + WINDOW_BYTES,
    model: cpuModel(model),
    engine: guest.engine ?? 'blocks',
  })
  const { memory } = machine
  const view = {
    size: guest.memory,
    read: (address: number, bytes: number) => memory.read(address, bytes),
    write: (address: number, data: Uint8Array) => memory.write(address, data),
  }
  const { kernel, initrd, commandLine } = guest
  const load = loadLinux(view, { kernel, commandLine, ...(initrd && { initrd }) })
  const plan = planRewrite(load.elf!, { fpu: 'real' })
  const outcome = rewrite(view, plan)

  const toMachine = (linear: number) => guest.memory + linear - WINDOW_START
  const image = parseElf(vmm, readFileSync(vmm))
  const imageEnd = Math.max(...image.segments.map(({ linear, memoryBytes }) => linear + memoryBytes))
  loadElf(
    { ...view, size: guest.memory + WINDOW_BYTES },
    { ...image, segments: image.segments.map(each => ({ ...each, physical: toMachine(each.linear) })) },
  )
  memory.write(toMachine(OPERAND_TABLE), plan.operands)

  // Page tables and the boot structure at the end of the window's memory.
  const structures = WINDOW_START + WINDOW_BYTES - PAGE * (2 + WINDOW_TABLES + FRAME_TABLES)
  if (imageEnd > structures) throw new RangeError('the VMM does not fit its window')
  const directory = structures + PAGE
  const windowTables = directory + PAGE
  const frameTables = windowTables + PAGE * WINDOW_TABLES
  const words = (linear: number, values: readonly number[]) =>
    memory.write(toMachine(linear), new Uint8Array(Uint32Array.from(values).buffer))
  const point = (linear: number, table: number) =>
    words(directory + 4 * (linear >>> 22), [toMachine(table) | PRESENT_WRITABLE])
  for (let i = 0; i < WINDOW_TABLES; i++) point(WINDOW_START + (i << 22), windowTables + PAGE * i)
  for (let i = 0; i < FRAME_TABLES; i++) point(WINDOW_FRAMES + (i << 22), frameTables + PAGE * i)
  words(
    windowTables,
    Array.from({ length: WINDOW_BYTES / PAGE }, (_, i) => (guest.memory + i * PAGE) | PRESENT_WRITABLE),
  )
  const { entry } = load
  words(structures, [
    guest.memory / PAGE,
    guest.memory / PAGE,
    WINDOW_BYTES,
    directory,
    frameTables,
    structures,
    entry.eip,
    entry.registers.esi,
    entry.registers.esp,
    Object.keys(models).indexOf(model),
  ])
  enter(machine.cpu, { ...entry, eip: image.entry, registers: { ...entry.registers, eax: structures } })
  machine.cpu.state = { cr0: 0x80000013, cr3: toMachine(directory) }

  const missed = new Map<string, number>()
  const { interception } = machine
  interception.onIntercept = ({ class: number, linear, cpl }) => {
    if (cpl < 3 && linear < WINDOW_START) {
      const name = SENSITIVE_CLASSES.find(each => each.number === number)!.name
      const key = `${name} at 0x${linear.toString(16)}`
      missed.set(key, (missed.get(key) ?? 0) + 1)
    }
    return 'execute'
  }
  interception.set(
    [],
    formClasses.filter(number => !NATIVE_CLASSES.includes(number)),
  )
  const word = (linear: number) => new DataView(memory.read(toMachine(linear), 4).buffer).getUint32(0, true)
  return { machine, plan, outcome, missed, word }
}
