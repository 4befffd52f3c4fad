// Random accesses and system instructions under random page tables, in every ring and in virtual-8086 mode, on our
// machine, under each engine, and on v86: the two print the same text. The program is paging-operations/program.c;
// SEED=n in the environment repeats a run. Skipped, with the reason, without gcc -m32.

import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { V86 } from 'v86'
import { engineNames } from '../../src/engine/engines.js'
import { buildFreestanding, runFreestanding } from '../drivers/freestanding.js'

const TIMES = 1000
const MEMORY = 16 << 20
const BUDGET = 1_000_000_000
const DEBUG_CONSOLE = 0xe9
const DEBUG_EXIT = 0xf4
const seed = process.env.SEED ?? String(1 + Math.floor(Math.random() * 1e15))

const canBuild = spawnSync('gcc', ['-m32', '-E', '-x', 'c', '/dev/null']).status === 0
if (!canBuild) console.warn('paging and system instructions are not compared with v86: gcc -m32 is missing')

const SOURCES = ['entry.S', 'program.c'].map(name => join(import.meta.dirname, 'paging-operations', name))

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

const run = canBuild ? describe : describe.skip
run(`paging and system instructions, seed ${seed}`, () => {
  let elf: Buffer
  let expected: string
  beforeAll(async () => {
    elf = buildFreestanding(SOURCES, [`SEED=${seed}ULL`, `TIMES=${TIMES}`])
    expected = await onV86(elf)
  }, 120_000)

  test('v86 runs the program to its end', () => {
    expect(expected).toMatch(/\nend\n$/)
  })
  test.each(engineNames.filter(name => name !== 'reference'))(
    '%s prints what v86 prints',
    engine => {
      const lines = runFreestanding(elf, engine, MEMORY, BUDGET).split('\n')
      const different = expected
        .split('\n')
        .flatMap((line, i) => (line === lines[i] ? [] : [`v86  ${line}`, `ours ${lines[i]}`]))
      expect(different.slice(0, 10)).toEqual([])
    },
    120_000,
  )
})
