// The host's own MMX, SSE and SSE2 as an oracle: a generated 32-bit program that loads an FXSAVE image, executes one
// instruction and saves the image again, for any number of cases in one run. An unmasked exception is a result too.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One case: before the run what the instruction meets, after it what it has left. */
export interface SseCase {
  /** Index of the instruction among those the oracle was made for. */
  instruction: number
  eax: number
  ecx: number
  eflags: number
  /** MXCSR after the run; before it is in the image. */
  mxcsr: number
  /** Signal of an exception, or 0. */
  signal: number
  /** The 16 bytes at [esi+32], to which EDI points. */
  memory: Uint8Array
  /** FXSAVE image. */
  image: Uint8Array
}
export const MXCSR_IN_IMAGE = 24

const RECORD = 576 // instruction, EAX, EFLAGS, MXCSR, signal, 0, 0, ECX; memory at 32; image at 64

const assembler = (texts: readonly string[]) => `.intel_syntax noprefix
.data
default_mxcsr: .long 0x1f80
.globl resume_at
resume_at: .long 0
.text
${texts
  .map(
    (text, i) => `
case_${i}: push esi
push edi
push ebx
mov esi,[esp+16]
lea edi,[esi+32]
mov dword ptr resume_at, offset end_${i}
fxrstor [esi+64]
mov ecx,[esi+28]
push dword ptr [esi+8]
popf
mov eax,[esi+4]
start_${i}:
${text}
end_${i}:
mov [esi+4],eax
pushf
pop dword ptr [esi+8]
fxsave [esi+64]
fninit
ldmxcsr default_mxcsr
pop ebx
pop edi
pop esi
ret`,
  )
  .join('\n')}
.data
${['case', 'start', 'end']
  .map(label => `.globl ${label}s\n${label}s:\n${texts.map((_, i) => `.long ${label}_${i}`).join('\n')}`)
  .join('\n')}
.section .note.GNU-stack,"",@progbits
`

const driver = (count: number) => `
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>
struct record { unsigned instruction, eax, eflags, mxcsr, signal, none[2], ecx; unsigned char memory[16], pad[16], fx[512]; };
extern void (*cases[])(struct record *);
extern unsigned char *starts[], *ends[];
extern unsigned resume_at;
static struct record buffer[512] __attribute__((aligned(16)));
static struct record *current;
static void caught(int number, siginfo_t *info, void *context) {
  ucontext_t *c = context;
  unsigned *mxcsr = (unsigned *)((char *)c->uc_mcontext.fpregs + 136);
  (void)info;
  current->signal = number;
  current->mxcsr = *mxcsr;
  *mxcsr = 0x1f80;
  c->uc_mcontext.gregs[REG_EIP] = resume_at;
}
int main(int argc, char **argv) {
  size_t n;
  (void)argv;
  if (argc > 1) {
    for (int i = 0; i < ${count}; i++) {
      putchar((int)(ends[i] - starts[i]));
      fwrite(starts[i], 1, ends[i] - starts[i], stdout);
    }
    return 0;
  }
  struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
  sigaction(SIGFPE, &action, 0);
  while ((n = fread(buffer, sizeof *buffer, 512, stdin)) > 0) {
    for (size_t i = 0; i < n; i++) {
      current = buffer + i;
      cases[current->instruction](current);
      if (!current->signal) current->mxcsr = *(unsigned *)(current->fx + 24);
    }
    fwrite(buffer, sizeof *buffer, n, stdout);
  }
  return 0;
}
`

export interface HostSse {
  /** Machine code of each instruction. */
  readonly code: readonly Uint8Array[]
  /** Executes all cases; the results come in the same order. */
  run(cases: readonly SseCase[]): SseCase[]
  /** Removes the program; nothing can be run afterwards. */
  close(): void
}

/** Builds the oracle for instructions in Intel syntax, or says why this host cannot be one. */
export function hostSse(texts: readonly string[]): HostSse | string {
  if (process.arch !== 'x64' && process.arch !== 'ia32') return `the host is ${process.arch}, not x86`
  const folder = mkdtempSync(join(tmpdir(), 'previrt-host-sse-'))
  const close = () => rmSync(folder, { recursive: true, force: true })
  const program = join(folder, 'driver')
  const sources = [join(folder, 'driver.c'), join(folder, 'cases.s')]
  writeFileSync(sources[0]!, driver(texts.length))
  writeFileSync(sources[1]!, assembler(texts))
  try {
    execFileSync('gcc', ['-m32', '-O1', '-no-pie', '-fno-pic', '-o', program, ...sources], { stdio: 'pipe' })
  } catch (error) {
    close()
    const text = (error as { stderr?: Buffer }).stderr?.toString() ?? ''
    if (text.includes('cases.s')) throw new Error(text)
    return `gcc -m32 does not work here: ${text.split('\n')[0] || String(error)}`
  }
  const execute = (input: Uint8Array, args: string[] = []) =>
    execFileSync(program, args, { input, maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'inherit'] })
  const listing = execute(new Uint8Array(0), ['code'])
  const code: Uint8Array[] = []
  for (let at = 0; at < listing.length; at += 1 + listing[at]!)
    code.push(new Uint8Array(listing.subarray(at + 1, at + 1 + listing[at]!)))
  return {
    code,
    close,
    run(cases) {
      const input = new Uint8Array(RECORD * cases.length)
      const view = new DataView(input.buffer)
      for (const [i, c] of cases.entries()) {
        const at = RECORD * i
        for (const [n, v] of [c.instruction, c.eax, c.eflags, 0, 0, 0, 0, c.ecx].entries())
          view.setUint32(at + 4 * n, v, true)
        input.set(c.memory, at + 32)
        input.set(c.image, at + 64)
      }
      const out = execute(input)
      if (out.length !== input.length) throw new Error(`the oracle ended early, at ${out.length / RECORD}`)
      return cases.map((c, i) => {
        const at = RECORD * i
        return {
          ...c,
          eax: out.readUInt32LE(at + 4),
          eflags: out.readUInt32LE(at + 8),
          mxcsr: out.readUInt32LE(at + 12),
          signal: out.readUInt32LE(at + 16),
          memory: new Uint8Array(out.subarray(at + 32, at + 48)),
          image: new Uint8Array(out.subarray(at + 64, at + RECORD)),
        }
      })
    },
  }
}
