// Small programs of ours without an operating system, for comparisons with other machines: built by gcc -m32, started at
// their entry in flat protected mode as a multiboot loader does, and judged by what they write to the debug console.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuModel } from '../../src/cpu/models.js'
import type { EngineName } from '../../src/engine/engines.js'
import { Machine } from '../../src/machine/machine.js'

const FLAGS =
  '-m32 -O1 -ffreestanding -fno-pic -fno-pie -no-pie -nostdlib -fno-stack-protector -fcf-protection=none -mgeneral-regs-only -fno-asynchronous-unwind-tables -Wl,-Ttext=0x100000,--build-id=none'

/** Builds an ELF file of sources with macros such as `SEED=1ULL`. */
export function buildFreestanding(sources: readonly string[], macros: readonly string[]): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'previrt-freestanding-'))
  try {
    const elf = join(directory, 'program.elf')
    const args = [...FLAGS.split(' '), ...macros.map(macro => `-D${macro}`), '-o', elf, ...sources]
    execFileSync('gcc', args, { stdio: ['ignore', 'ignore', 'inherit'] })
    return readFileSync(elf)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Runs the file on a pentium3 with `memory` bytes for at most `budget` instructions; what its console shows. */
export function runFreestanding(elf: Buffer, engine: EngineName, memory: number, budget: number): string {
  const machine = new Machine({ memory, model: cpuModel('pentium3'), engine })
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
  machine.run(budget)
  return out.join('')
}
