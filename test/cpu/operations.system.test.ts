// Random system operations on our machine, under each engine, and on QEMU: the two print the same text. The program is
// operations/operations.c; SEED=n in the environment repeats a run. Skipped, with the reason, without QEMU or gcc -m32.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuModel } from '../../src/cpu/models.js'
import type { EngineName } from '../../src/engine/engines.js'
import { Machine } from '../../src/machine/machine.js'

const TIMES = 1500
const MEMORY = 16 << 20
const BUDGET = 400_000_000
const SOURCES = ['operations.S', 'operations.c'].map(name => join(import.meta.dirname, 'operations', name))
const seed = process.env.SEED ?? String(1 + Math.floor(Math.random() * 1e15))

const missing = ['qemu-system-i386', 'gcc'].find(tool => spawnSync(tool, ['--version']).status !== 0)
if (missing) console.warn(`system operations are not compared with QEMU: ${missing} is missing`)

function build(directory: string): string {
  const elf = join(directory, 'operations.elf')
  const flags =
    '-m32 -O1 -ffreestanding -fno-pic -fno-pie -no-pie -nostdlib -fno-stack-protector -fcf-protection=none -mgeneral-regs-only -fno-asynchronous-unwind-tables -Wl,-Ttext=0x100000,--build-id=none'
  const defines = [`-DSEED=${seed}ULL`, `-DTIMES=${TIMES}`]
  execFileSync('gcc', [...flags.split(' '), ...defines, '-o', elf, ...SOURCES], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return elf
}

/** QEMU's debug console; the program ends by port 0xF4, which gives status 1. */
function onQemu(elf: string): string {
  const devices = '-debugcon stdio -device isa-debug-exit,iobase=0xf4'
  const quiet = '-nographic -serial none -monitor none -no-reboot'
  const args = `-accel tcg -cpu pentium3 -m 16 ${quiet} ${devices} -kernel ${elf}`.split(' ')
  return spawnSync('qemu-system-i386', args, { encoding: 'latin1', timeout: 120_000, maxBuffer: 1 << 26 }).stdout
}

/** Loads the segments of an ELF file and starts at its entry in flat protected mode, as a multiboot loader does. */
function onOurs(elf: Buffer, engine: EngineName): string {
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

const run = missing ? describe.skip : describe
run(`system operations, seed ${seed}`, () => {
  const directory = missing ? '' : mkdtempSync(join(tmpdir(), 'previrt-operations-'))
  const elf = missing ? '' : build(directory)
  const expected = missing ? '' : onQemu(elf)
  afterAll(() => {
    if (directory) rmSync(directory, { recursive: true })
  })

  test('QEMU runs the program to its end', () => {
    expect(expected).toMatch(/\nend\n$/)
  })
  test.each(['interpreter', 'blocks'] as const)(
    '%s prints what QEMU prints',
    engine => {
      const lines = onOurs(readFileSync(elf), engine).split('\n')
      const different = expected
        .split('\n')
        .flatMap((line, i) => (line === lines[i] ? [] : [`QEMU ${line}`, `ours ${lines[i]}`]))
      expect(different.slice(0, 10)).toEqual([])
    },
    120_000,
  )
})
