// Random accesses and system instructions under random page tables, in every ring and in virtual-8086 mode, on our
// machine, under each engine, and on v86: the two print the same text. The program is paging-operations/program.c;
// SEED=n in the environment repeats a run. Skipped, with the reason, without gcc -m32.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { V86 } from 'v86'
import { cpuModel } from '../../src/cpu/models.js'
import { engineNames } from '../../src/engine/engines.js'
import { Machine } from '../../src/machine/machine.js'

const TIMES = 1000
const MEMORY = 16 << 20
const BUDGET = 1_000_000_000
const DEBUG_CONSOLE = 0xe9
const DEBUG_EXIT = 0xf4
const seed = process.env.SEED ?? String(1 + Math.floor(Math.random() * 1e15))

const canBuild = spawnSync('gcc', ['-m32', '-E', '-x', 'c', '/dev/null']).status === 0
if (!canBuild) console.warn('paging and system instructions are not compared with v86: gcc -m32 is missing')

function build(): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'previrt-paging-'))
  const elf = join(directory, 'program.elf')
  const flags =
    '-m32 -O1 -ffreestanding -fno-pic -fno-pie -no-pie -nostdlib -fno-stack-protector -fcf-protection=none -mgeneral-regs-only -fno-asynchronous-unwind-tables -Wl,-Ttext=0x100000,--build-id=none'
  const sources = ['entry.S', 'program.c'].map(name => join(import.meta.dirname, 'paging-operations', name))
  const args = [...flags.split(' '), `-DSEED=${seed}ULL`, `-DTIMES=${TIMES}`, '-o', elf, ...sources]
  execFileSync('gcc', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const bytes = readFileSync(elf)
  rmSync(directory, { recursive: true })
  return bytes
}

/** What we use of v86 beyond its declarations. */
interface Ports {
  readonly v86: {
    readonly cpu: {
      readonly io: { register_write(port: number, device: { name: string }, write: (value: number) => void): void }
    }
  }
}

async function onV86(elf: Buffer): Promise<string> {
  const emulator = new V86({
    wasm_path: join(dirname(createRequire(import.meta.url).resolve('v86')), 'v86.wasm'),
    memory_size: MEMORY,
    multiboot: { buffer: Uint8Array.from(elf).buffer },
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
  })
  const out: string[] = []
  await new Promise<void>(resolve => {
    emulator.add_listener('emulator-loaded', () => {
      const { io } = (emulator as unknown as Ports).v86.cpu
      io.register_write(DEBUG_CONSOLE, { name: 'console' }, byte => out.push(String.fromCharCode(byte)))
      io.register_write(DEBUG_EXIT, { name: 'exit' }, () => resolve())
      emulator.run()
    })
  })
  await emulator.destroy()
  return out.join('')
}

/** Loads the segments of an ELF file and starts at its entry in flat protected mode, as a multiboot loader does. */
function onOurs(elf: Buffer, engine: (typeof engineNames)[number]): string {
  const machine = new Machine({ memory: MEMORY, model: cpuModel('pentium3'), engine })
  const headers = elf.readUInt32LE(28)
  for (let i = 0; i < elf.readUInt16LE(44); i++) {
    const [type, offset, , physical, bytes] = [0, 4, 8, 12, 16].map(field => elf.readUInt32LE(headers + 32 * i + field))
    if (type === 1) machine.memory.write(physical!, elf.subarray(offset, offset! + bytes!))
  }
  const data = { selector: 0x10, base: 0, limit: 0xffffffff, rights: 0xc093 }
  const cs = { selector: 8, base: 0, limit: 0xffffffff, rights: 0xc09b }
  machine.cpu.state = { cr0: 0x11, eip: elf.readUInt32LE(24), cs, ds: data, es: data, fs: data, gs: data, ss: data }
  const out: string[] = []
  machine.onConsole = byte => out.push(String.fromCharCode(byte))
  machine.run(BUDGET)
  return out.join('')
}

const run = canBuild ? describe : describe.skip
run(`paging and system instructions, seed ${seed}`, () => {
  let elf: Buffer
  let expected: string
  beforeAll(async () => {
    elf = build()
    expected = await onV86(elf)
  }, 120_000)

  test('v86 runs the program to its end', () => {
    expect(expected).toMatch(/\nend\n$/)
  })
  test.each(engineNames.filter(name => name !== 'reference'))(
    '%s prints what v86 prints',
    engine => {
      const lines = onOurs(elf, engine).split('\n')
      const different = expected
        .split('\n')
        .flatMap((line, i) => (line === lines[i] ? [] : [`v86  ${line}`, `ours ${lines[i]}`]))
      expect(different.slice(0, 10)).toEqual([])
    },
    120_000,
  )
})
