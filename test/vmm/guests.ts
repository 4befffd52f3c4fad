// Guests for the tests of the VMM: files, and their native transcripts.
import { readFileSync } from 'node:fs'
import { buildImage } from '../../images/index.js'
import { cpuModel } from '../../src/cpu/models.js'
import { settleAlternatives } from '../../src/loader/alternatives.js'
import { parseElf } from '../../src/loader/elf.js'
import type { LoadedFile } from '../../src/loader/entry.js'
import { loadLinux } from '../../src/loader/linux.js'
import { linuxFeatures } from '../../src/loader/linux-features.js'
import { enter } from '../../src/machine/entry.js'
import { Machine } from '../../src/machine/machine.js'

export interface TestGuest {
  readonly kernel: LoadedFile
  readonly initrd?: LoadedFile
  readonly commandLine: string
  readonly memory: number
}

/** The model that guests see on every virtualized path. */
const MODEL = 'previrt-guest'
const NATIVE_BUDGET = 6_000_000_000

const read = (file: string) => ({ file, bytes: new Uint8Array(readFileSync(file)) })

/** Lines of a console that tests compare. */
export function markers(text: string): string[] {
  return text.split(/\r?\n/).filter(line => line.startsWith('previrt: '))
}

/** The annotated mini. */
export async function miniGuest(commandLine = ''): Promise<TestGuest> {
  return { kernel: read((await buildImage('mini')).path), commandLine, memory: 32 << 20 }
}

/** The annotated Linux, settled. */
export async function linuxGuest(commandLine: string): Promise<TestGuest> {
  const image = await buildImage('linux')
  const { features, signature } = cpuModel(MODEL)
  const cpuid = (leaf: number) => ({ eax: leaf === 0 ? 2 : signature, ebx: 0, ecx: 0, edx: leaf === 1 ? features : 0 })
  const elf = parseElf(image.path, readFileSync(image.path))
  const kernel = { file: image.path, bytes: settleAlternatives(elf, linuxFeatures(cpuid)).bytes }
  return { kernel, initrd: read(image.initrd), commandLine, memory: 128 << 20 }
}

/** Runs a guest, not rewritten, on bare hardware with the same CPU model. */
export function runNatively(guest: TestGuest) {
  const machine = new Machine({ memory: guest.memory, model: cpuModel(MODEL), engine: 'blocks' })
  enter(machine.cpu, loadLinux(machine.memory, guest).entry)
  let text = ''
  machine.onConsole = byte => {
    text += String.fromCharCode(byte)
  }
  const result = machine.run(NATIVE_BUDGET)
  return { lines: markers(text), kind: result.kind, instructions: machine.retired }
}
