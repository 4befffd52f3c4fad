// What one instruction costs in the cold engine, and what V8's optimizing compiler takes for its run loop: the choice of
// inlined slots (src/engine/slots.ts) weighs the one against the other. For functions above a certain size V8 has another,
// worse register allocator; `--huge` lets V8 use it, which shows on which side of that size the run loop is.
// Usage: node dist/benchmarks/micro/cold.js [--huge]

import { setFlagsFromString } from 'node:v8'
import { cpuModel } from '../../src/cpu/models.js'
import { Machine } from '../../src/machine/machine.js'

setFlagsFromString('--experimental-wasm-branch-hinting')
if (!process.argv.includes('--huge')) setFlagsFromString('--no-turbo-use-mid-tier-regalloc-for-huge-functions')
setFlagsFromString('--no-liftoff')
setFlagsFromString('--wasm-lazy-compilation')

const CODE = 0x10000
const STACK = 0x20000
const ROUNDS = 10_000_000
const hex = (text: string) => text.split(' ').map(byte => Number.parseInt(byte, 16))
const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24]
const HALT = hex('fa f4 eb fd') // cli; hlt; jmp back to the hlt
const PROGRAM = [
  ...[0xb9, ...le32(ROUNDS)], // mov ecx, ROUNDS
  ...hex('8b 44 24 08 01 c8 89 44 24 08'), // mov eax, [esp + 8]; add eax, ecx; mov [esp + 8], eax
  ...hex('e8 0b 00 00 00 85 c0 74 00'), // call to the push; test eax, eax; je to the next
  ...[...hex('49 75 ea'), ...HALT], // dec ecx; jnz to the first mov
  ...hex('53 89 d3 31 c3 5b c3'), // push ebx; mov ebx, edx; xor ebx, eax; pop ebx; ret
]
const PER_ROUND = 13
const SPARE = 1000

/** A program in flat protected mode without paging: milliseconds until it halts, and instructions. */
function run(program: readonly number[]): { milliseconds: number; instructions: number } {
  const machine = new Machine({ memory: 0x400000, model: cpuModel('pentium4'), engine: 'interpreter' })
  machine.memory.write(CODE, Uint8Array.from(program))
  const flat = (selector: number, rights: number) => ({ selector, base: 0, limit: 0xffffffff, rights })
  const data = flat(0x10, 0xc093)
  machine.cpu.state = {
    ...{ cr0: 0x33, eip: CODE, esp: STACK, eflags: 2 },
    ...{ cs: flat(8, 0xc09b), ds: data, es: data, ss: data, fs: data, gs: data },
  }
  const start = performance.now()
  const { kind } = machine.run(ROUNDS * PER_ROUND + SPARE)
  const milliseconds = performance.now() - start
  if (kind !== 'halted') throw new Error(`the program has ended by ${kind}`)
  return { milliseconds, instructions: machine.retired }
}

// The first run has the run loop compiled.
const [first, second] = [run(HALT), run(HALT)]
console.log(`run loop compiled in ${(first.milliseconds - second.milliseconds).toFixed(0)} ms`)
const { milliseconds, instructions } = run(PROGRAM)
console.log(`${((milliseconds * 1e6) / instructions).toFixed(2)} ns per instruction`)
