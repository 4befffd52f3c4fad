// Multiplication, division, bit tests and scans against the host's CPU.

import { AF, allSizes, CF, compareWithHost, OF, PF, SF, type Snippet, ZF } from '../drivers/compare-host.js'

const EBX = 3
const ECX = 1
const snippets: Snippet[] = []
const add = (text: string, undefinedFlags = 0, sizes = [1, 2, 4], prepare?: Snippet['prepare']) => {
  for (const { text: t } of allSizes(text, sizes))
    snippets.push({ text: t, undefinedFlags, pointers: [EBX], ...(prepare ? { prepare } : {}) })
}
const products = SF | ZF | AF | PF
for (const name of ['mul', 'imul']) for (const operand of ['{a}', '{b}', '{m}']) add(`${name} ${operand}`, products)
for (const from of ['{a}', '{b}', '{m}']) {
  add(`imul {a}, ${from}`, products, [2, 4])
  add(`imul {b}, ${from}, 100`, products, [2, 4])
  add(`imul {b}, ${from}, -1234`, products, [2, 4])
}
for (const name of ['div', 'idiv']) {
  const everything = CF | PF | AF | ZF | SF | OF
  add(`${name} {b}`, everything)
  add(`${name} {m}`, everything)
  for (const [size, to, from] of [
    [2, 'cwd', 'cx'],
    [4, 'cdq', 'ecx'],
  ] as const)
    add(`${to}; ${name} ${from}`, everything, [size])
  add(`mov ah, 3; ${name} cl`, everything, [1])
  add(`and edx, 0xff; ${name} ecx`, everything, [4])
  add(`and dx, 0xff; ${name} cx`, everything, [2])
}

const undefinedByTests = PF | AF | SF | OF
for (const name of ['bt', 'bts', 'btr', 'btc']) {
  add(`${name} {a}, {b}`, undefinedByTests, [2, 4])
  add(`${name} {a}, 21`, undefinedByTests, [2, 4])
  add(`${name} {m}, 13`, undefinedByTests, [2, 4])
  // Bit offsets up to 32 bytes below and above the operand.
  add(`${name} dword ptr [ebx], ecx`, undefinedByTests, [4], r => {
    r[ECX] = (r[ECX]! % 512) - 256
  })
  add(`${name} word ptr [ebx], cx`, undefinedByTests, [2], r => {
    r[ECX] = (r[ECX]! % 512) - 256
  })
}
for (const name of ['bsf', 'bsr'])
  for (const from of ['{b}', '{m}']) add(`${name} {a}, ${from}`, CF | OF | SF | AF | PF, [2, 4])

compareWithHost(snippets)
