// Random system operations on our machine, under each engine, and on QEMU: the two print the same text. The program is
// operations/operations.c; SEED=n in the environment repeats a run. Skipped, with the reason, without QEMU or gcc -m32.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildFreestanding, runFreestanding } from '../drivers/freestanding.js'

const TIMES = 1500
const MEMORY = 16 << 20
const BUDGET = 400_000_000
const SOURCES = ['operations.S', 'operations.c'].map(name => join(import.meta.dirname, 'operations', name))
const seed = process.env.SEED ?? String(1 + Math.floor(Math.random() * 1e15))

const missing = ['qemu-system-i386', 'gcc'].find(tool => spawnSync(tool, ['--version']).status !== 0)
if (missing) console.warn(`system operations are not compared with QEMU: ${missing} is missing`)

/** QEMU's debug console; the program ends by port 0xF4, which gives status 1. */
function onQemu(elf: string): string {
  const devices = '-debugcon stdio -device isa-debug-exit,iobase=0xf4'
  const quiet = '-nographic -serial none -monitor none -no-reboot'
  const args = `-accel tcg -cpu pentium3 -m 16 ${quiet} ${devices} -kernel ${elf}`.split(' ')
  return spawnSync('qemu-system-i386', args, { encoding: 'latin1', timeout: 120_000, maxBuffer: 1 << 26 }).stdout
}

const run = missing ? describe.skip : describe
run(`system operations, seed ${seed}`, () => {
  const directory = missing ? '' : mkdtempSync(join(tmpdir(), 'previrt-operations-'))
  const elf = missing ? Buffer.of() : buildFreestanding(SOURCES, [`SEED=${seed}ULL`, `TIMES=${TIMES}`])
  const file = join(directory, 'operations.elf')
  if (!missing) writeFileSync(file, elf)
  const expected = missing ? '' : onQemu(file)
  afterAll(() => {
    if (directory) rmSync(directory, { recursive: true })
  })

  test('QEMU runs the program to its end', () => {
    expect(expected).toMatch(/\nend\n$/)
  })
  test.each(['interpreter', 'blocks'] as const)(
    '%s prints what QEMU prints',
    engine => {
      const lines = runFreestanding(elf, engine, MEMORY, BUDGET).split('\n')
      const different = expected
        .split('\n')
        .flatMap((line, i) => (line === lines[i] ? [] : [`QEMU ${line}`, `ours ${lines[i]}`]))
      expect(different.slice(0, 10)).toEqual([])
    },
    120_000,
  )
})
