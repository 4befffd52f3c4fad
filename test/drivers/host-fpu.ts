// The host's own x87 as an oracle: a generated 32-bit C program that loads a 108-byte state, executes one instruction
// and saves the state again, for any number of cases in one run.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One case: before the run what the instruction meets, after it what it has left. */
export interface FpuCase {
  /** Index of the instruction among those the oracle was made for. */
  instruction: number
  eax: number
  eflags: number
  /** The 16 bytes the memory operand points to. */
  memory: Uint8Array
  /** FNSAVE image, 32-bit protected format. */
  image: Uint8Array
}

const RECORD = 144 // instruction, EAX, EFLAGS, nothing, 16 bytes of memory at 16, 108 bytes of image at 32

/** Instruction bytes with a memory operand must address 16(%esi). */
function source(instructions: readonly (readonly number[])[]): string {
  const cases = instructions.map(
    (bytes, i) => `case ${i}: __asm__ volatile(
      "pushl 8(%%esi); popfl; movl 4(%%esi), %%eax; frstor 32(%%esi); .byte ${bytes.join(',')};"
      "movl %%eax, 4(%%esi); pushfl; popl 8(%%esi); fnsave 32(%%esi)" :: "S"(r) : "eax", "memory", "cc"); break;`,
  )
  return `#include <stdio.h>
static unsigned char buffer[${RECORD} * 4096] __attribute__((aligned(16)));
int main(void) {
  size_t n;
  while ((n = fread(buffer, ${RECORD}, 4096, stdin)) > 0) {
    for (size_t i = 0; i < n; i++) {
      unsigned char *r = buffer + i * ${RECORD};
      switch (*(unsigned *)r) { ${cases.join('\n')} }
    }
    fwrite(buffer, ${RECORD}, n, stdout);
  }
  return 0;
}
`
}

export class HostFpu {
  private constructor(private readonly program: string) {}

  /** Builds the oracle, or says why this host cannot be one. */
  static create(instructions: readonly (readonly number[])[]): HostFpu | string {
    if (process.arch !== 'x64' && process.arch !== 'ia32') return `the host is ${process.arch}, not x86`
    const text = source(instructions)
    const folder = join(tmpdir(), 'previrt-test')
    mkdirSync(folder, { recursive: true })
    const name = join(folder, `host-fpu-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`)
    if (!existsSync(name)) {
      writeFileSync(`${name}.c`, text)
      const unfinished = `${name}.${process.pid}`
      const built = spawnSync('gcc', ['-m32', '-O1', '-o', unfinished, `${name}.c`], { encoding: 'utf8' })
      if (built.status !== 0) return `gcc -m32 does not work here: ${built.stderr || built.error?.message}`
      renameSync(unfinished, name)
    }
    return new HostFpu(name)
  }

  /** Executes all cases; the results come in the same order. Throws when the program dies. */
  run(cases: readonly FpuCase[]): FpuCase[] {
    const input = new Uint8Array(cases.length * RECORD)
    const view = new DataView(input.buffer)
    cases.forEach((c, i) => {
      const at = i * RECORD
      view.setUint32(at, c.instruction, true)
      view.setUint32(at + 4, c.eax, true)
      view.setUint32(at + 8, c.eflags, true)
      input.set(c.memory, at + 16)
      input.set(c.image, at + 32)
    })
    const run = spawnSync(this.program, { input, maxBuffer: input.length + 1024 })
    if (run.status !== 0) throw new Error(`the oracle ended with ${run.status ?? run.signal}`)
    const out = new DataView(run.stdout.buffer, run.stdout.byteOffset, run.stdout.length)
    return cases.map((c, i) => {
      const at = i * RECORD
      return {
        instruction: c.instruction,
        eax: out.getUint32(at + 4, true),
        eflags: out.getUint32(at + 8, true),
        memory: new Uint8Array(run.stdout.subarray(at + 16, at + 32)),
        image: new Uint8Array(run.stdout.subarray(at + 32, at + 140)),
      }
    })
  }
}
