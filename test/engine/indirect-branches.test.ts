// Indirect jumps and calls in hot loops: translated code follows those it has seen go somewhere, and must leave for all
// others. A loop picks an arm from a table by a random number, by JMP or by CALL, and the arms change registers and flags.
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { CODE, END_SERVICE } from '../drivers/random-program.js'

const TABLE = 0x111000
const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
const ARMS = [
  [0x40], // inc eax
  [0x01, 0xd8], // add eax, ebx
  [0x31, 0xc8], // xor eax, ecx
  [0x83, 0xd0, 0x05], // adc eax, 5
  [0x29, 0xd0], // sub eax, edx
  [0xd1, 0xc0], // rol eax, 1
  [0xf7, 0xd8], // neg eax
  [0x4b], // dec ebx
]

/** Rounds in EDI; ESI is a linear congruential generator whose upper bits choose the arm; `few` arms are used at first. */
function program(byCall: boolean, rounds: number, few: number): Uint8Array {
  const code: number[] = [0xbf, ...le32(rounds), 0xbe, ...le32(12345)] // mov edi, rounds; mov esi, 12345
  ARMS.forEach((_, i) => {
    code.push(0xc7, 0x05, ...le32(TABLE + 4 * i), 0, 0, 0, 0) // mov dword [TABLE + 4 * i], arm: filled in below
  })
  const top = code.length
  code.push(0x69, 0xf6, ...le32(1103515245), 0x81, 0xc6, ...le32(12345)) // imul esi, esi, 1103515245; add esi, 12345
  code.push(0x89, 0xf2, 0xc1, 0xea, 0x10, 0x83, 0xe2, ARMS.length - 1) // mov edx, esi; shr edx, 16; and edx, 7
  code.push(0x81, 0xff, ...le32(rounds / 2), 0x72, 0x03, 0x83, 0xe2, few - 1) // cmp edi, rounds / 2; jb +3; and edx, few - 1
  code.push(0xff, byCall ? 0x14 : 0x24, 0x95, ...le32(TABLE)) // call or jmp [TABLE + edx * 4]
  const back = code.length
  code.push(0x4f, 0x0f, 0x85, ...le32(top - (code.length + 7)), 0xcd, END_SERVICE) // dec edi; jnz top; int END_SERVICE
  ARMS.forEach((arm, i) => {
    code.splice(10 + 10 * i + 6, 4, ...le32(CODE + code.length))
    code.push(...arm, ...(byCall ? [0xc3] : [0xe9, ...le32(back - (code.length + arm.length + 5))]))
  })
  return Uint8Array.from(code)
}

test.each([
  ['jmp', 1],
  ['jmp', 4],
  ['jmp', 8],
  ['call', 1],
  ['call', 8],
] as const)('%s through a table of which %i arms are used first', async (kind, few) => {
  const rounds = 4000
  const code = program(kind === 'call', rounds, few)
  for (const seed of [1, 2, 3]) {
    const lockstep = new Lockstep({
      seed,
      engines: ['reference', 'interpreter', 'blocks'],
      make: (engine, thresholds) => flatMachine(code, { engine, thresholds }),
    })
    const result = lockstep.run(1_000_000)
    if (result.kind === 'difference') throw new Error(await lockstepReport(result))
    expect(result.kind).toBe('halted')
    expect(lockstep.retired).toBeGreaterThan(rounds * 10)
  }
})
