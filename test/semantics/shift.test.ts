// Shifts and rotates against the host's CPU. OF is defined for a count of 1; some flags and results beyond the operand
// size are undefined (SDM vol. 2).

import { AF, allSizes, CF, compareWithHost, OF, type Snippet } from '../drivers/compare-host.js'

const EBX = 3
const ECX = 1
const snippets: Snippet[] = []
/** Flags that a shift of `size` bytes by `count` leaves undefined. */
function undefinedAt(name: string, size: number, count: number): number {
  if (count === 0) return 0
  if (name[0] === 'r') return count === 1 ? 0 : OF
  const overflow = count === 1 ? AF : AF | OF
  return name !== 'sar' && count >= 8 * size ? overflow | CF : overflow
}
for (const name of ['shl', 'shr', 'sar', 'rol', 'ror', 'rcl', 'rcr'])
  for (const operand of ['{a}', '{m}'])
    for (const { text, size } of allSizes(operand)) {
      const pointers = operand === '{m}' ? [EBX] : []
      for (const count of [1, 2, 7, 31])
        snippets.push({ text: `${name} ${text}, ${count}`, pointers, undefinedFlags: undefinedAt(name, size, count) })
      snippets.push({
        text: `${name} ${text}, cl`,
        pointers,
        undefinedFlags: s => undefinedAt(name, size, s.registers[ECX]! & 31),
      })
    }
for (const name of ['shld', 'shrd'])
  for (const [to, from, size] of [
    ['eax', 'edx', 4],
    ['dword ptr [ebx]', 'edx', 4],
    ['ax', 'dx', 2],
    ['word ptr [ebx]', 'ax', 2],
  ] as const) {
    const pointers = [EBX]
    for (const count of [0, 1, 4, 15])
      snippets.push({
        text: `${name} ${to}, ${from}, ${count}`,
        pointers,
        undefinedFlags: undefinedAt('shl', size, count),
      })
    snippets.push({
      text: `${name} ${to}, ${from}, cl`,
      pointers,
      prepare: r => {
        if (size === 2) r[ECX] = (r[ECX]! & ~0x1f) | (r[ECX]! & 0xf)
      },
      undefinedFlags: s => undefinedAt('shl', size, s.registers[ECX]! & 31),
    })
  }

compareWithHost(snippets)
