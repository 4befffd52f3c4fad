// The host's own CPU as oracle for user-mode instructions: snippets of assembler text, each run on vectors of registers,
// flags, memory and FPU/SSE state. The driver program is generated here (assembler and C, 32-bit), built with gcc and
// fed through pipes. Works on x86 hosts with gcc's 32-bit support; elsewhere `hostCpu` says why not.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Linear address of the memory that a snippet may use: it crosses a page boundary in its middle. */
export const MEMORY_AT = 0x20000f80
export const MEMORY_BYTES = 256

/** What a snippet starts from and what it leaves. */
export interface HostState {
  /** EAX ECX EDX EBX ESP EBP ESI EDI, unsigned. */
  readonly registers: number[]
  readonly flags: number
  /** MEMORY_BYTES bytes at MEMORY_AT. */
  readonly memory: Uint8Array
  /** FXSAVE image, 512 bytes; all zeroes: FPU and SSE are not set. */
  readonly fx: Uint8Array
}
export interface HostResult extends HostState {
  /** Signal of a fault (8 #DE, 11 #GP or #PF, 4 #UD), or 0; with a fault the state is of no meaning. */
  readonly signal: number
}
export interface HostCpu {
  /** Machine code of each snippet and where it lies in the driver. */
  readonly code: readonly { readonly bytes: Uint8Array; readonly address: number }[]
  /** Runs snippets by number on states. */
  run(work: readonly { snippet: number; state: HostState }[]): HostResult[]
  /** Removes the driver's files; nothing can be run afterwards. */
  close(): void
}

const RECORD = 48 + MEMORY_BYTES + 512
const FX = 48 + MEMORY_BYTES

function assembler(snippets: readonly string[]): string {
  const names = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi']
  const load = names.map((r, i) => (i && i !== 4 ? `mov ${r},[eax+${4 * i}]` : '')).join('\n')
  const store = names.map((r, i) => (i ? `mov [eax+${4 * i}],${r}` : '')).join('\n')
  const functions = snippets.map(
    (text, i) => `
run_${i}: pusha
pushf
mov [saved_esp],esp
mov eax,[state_pointer]
cmp dword ptr [eax+${FX + 28}],0
je 1f
fxrstor [eax+${FX}]
1: push dword ptr [eax+32]
popf
${load}
mov esp,[eax+16]
mov eax,[eax]
start_${i}:
${text}
end_${i}:
mov [saved_eax],eax
mov eax,[state_pointer]
${store}
mov esp,[saved_esp]
pushf
pop dword ptr [eax+32]
mov ecx,[saved_eax]
mov [eax],ecx
cmp dword ptr [eax+${FX + 28}],0
je 1f
fxsave [eax+${FX}]
1: popf
popa
ret`,
  )
  const table = (name: string, label: string) =>
    `.globl ${name}\n${name}:\n${snippets.map((_, i) => `.long ${label}_${i}`).join('\n')}\n`
  return `.intel_syntax noprefix
.bss
.globl state_pointer
state_pointer: .long 0
saved_esp: .long 0
saved_eax: .long 0
.text
${functions.join('\n')}
.data
${table('runs', 'run')}${table('starts', 'start')}${table('ends', 'end')}
.section .note.GNU-stack,"",@progbits
`
}

const driver = `
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
struct record { unsigned registers[8], flags, snippet, signal, pad; unsigned char memory[${MEMORY_BYTES}], fx[512]; };
extern struct record *state_pointer;
extern void (*runs[])(void);
extern unsigned char *starts[], *ends[];
static struct record record __attribute__((aligned(16)));
static sigjmp_buf back;
static char signal_stack[65536];
static void caught(int number) { siglongjmp(back, number); }
int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) {
    unsigned count;
    if (sscanf(argv[1], "%u", &count) != 1) return 1;
    for (unsigned i = 0; i < count; i++) {
      putchar((int)(ends[i] - starts[i]));
      fwrite(&starts[i], 4, 1, stdout);
      fwrite(starts[i], 1, ends[i] - starts[i], stdout);
    }
    return 0;
  }
  unsigned char *memory = mmap((void *)${MEMORY_AT & ~0xfff}, 8192, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (memory == MAP_FAILED) return 1;
  memory += ${MEMORY_AT & 0xfff};
  stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
  sigaltstack(&stack, 0);
  struct sigaction action = {.sa_handler = caught, .sa_flags = SA_ONSTACK | SA_NODEFER};
  int signals[] = {SIGFPE, SIGSEGV, SIGILL, SIGBUS, SIGTRAP};
  for (int i = 0; i < 5; i++) sigaction(signals[i], &action, 0);
  state_pointer = &record;
  while (fread(&record, sizeof record, 1, stdin) == 1) {
    memcpy(memory, record.memory, ${MEMORY_BYTES});
    volatile int number = sigsetjmp(back, 1);
    if (!number) runs[record.snippet]();
    __asm__ volatile("cld; fninit");
    record.signal = number;
    memcpy(record.memory, memory, ${MEMORY_BYTES});
    fwrite(&record, sizeof record, 1, stdout);
  }
  return 0;
}
`

/** Builds the driver for snippets (Intel syntax of GNU as); returns a reason where the host cannot. */
export function hostCpu(snippets: readonly string[]): HostCpu | string {
  if (process.arch !== 'x64' && process.arch !== 'ia32') return `the host is ${process.arch}, not x86`
  const folder = mkdtempSync(join(tmpdir(), 'previrt-host-cpu-'))
  const close = () => rmSync(folder, { recursive: true, force: true })
  const program = join(folder, 'driver')
  writeFileSync(join(folder, 'snippets.s'), assembler(snippets))
  writeFileSync(join(folder, 'driver.c'), driver)
  try {
    const sources = [join(folder, 'driver.c'), join(folder, 'snippets.s')]
    execFileSync('gcc', ['-m32', '-O1', '-no-pie', '-fno-pic', '-o', program, ...sources], { stdio: 'pipe' })
  } catch (error) {
    const { stderr } = error as { stderr?: Buffer }
    const text = stderr?.toString() ?? ''
    close()
    if (text.includes('snippets.s')) throw new Error(text)
    return `gcc -m32 does not work here: ${text.split('\n')[0] || String(error)}`
  }
  const run = (input: Uint8Array, args: string[] = []) =>
    execFileSync(program, args, { input, maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'inherit'] })
  const listing = run(new Uint8Array(0), [String(snippets.length)])
  const code: HostCpu['code'][number][] = []
  for (let at = 0; at < listing.length; at += 5 + listing[at]!) {
    const bytes = new Uint8Array(listing.subarray(at + 5, at + 5 + listing[at]!))
    code.push({ bytes, address: listing.readUInt32LE(at + 1) })
  }
  return {
    code,
    close,
    run(work) {
      const input = new Uint8Array(RECORD * work.length)
      const view = new DataView(input.buffer)
      for (const [i, { snippet, state }] of work.entries()) {
        const at = RECORD * i
        for (const [n, v] of state.registers.entries()) view.setUint32(at + 4 * n, v, true)
        view.setUint32(at + 32, state.flags, true)
        view.setUint32(at + 36, snippet, true)
        input.set(state.memory, at + 48)
        input.set(state.fx, at + FX)
      }
      const output = run(input)
      if (output.length !== input.length) throw new Error(`the host's driver ended early, at ${output.length / RECORD}`)
      return work.map((_, i) => readRecord(output, RECORD * i))
    },
  }
}

function readRecord(bytes: Buffer, at: number): HostResult {
  return {
    registers: Array.from({ length: 8 }, (_, n) => bytes.readUInt32LE(at + 4 * n)),
    flags: bytes.readUInt32LE(at + 32),
    signal: bytes.readUInt32LE(at + 40),
    memory: new Uint8Array(bytes.subarray(at + 48, at + FX)),
    fx: new Uint8Array(bytes.subarray(at + FX, at + RECORD)),
  }
}
