// Addition, subtraction, comparison and logic against the host's CPU.

import { AF, allSizes, compareWithHost, type Snippet } from '../drivers/compare-host.js'

const EBX = 3
const snippets: Snippet[] = []
const add = (text: string, undefinedFlags = 0, sizes = [1, 2, 4]) => {
  for (const { text: t } of allSizes(text, sizes))
    snippets.push({ text: t, undefinedFlags, pointers: t.includes('ebx') ? [EBX] : [] })
}
for (const name of ['add', 'adc', 'sub', 'sbb', 'cmp', 'and', 'or', 'xor', 'test']) {
  const flags = ['and', 'or', 'xor', 'test'].includes(name) ? AF : 0
  add(`${name} {a}, {b}`, flags)
  add(`${name} {a}, {a}`, flags)
  add(`${name} {m}, {a}`, flags)
  add(`${name} {m}, 0x5a`, flags)
  add(`${name} {a}, -3`, flags)
  if (name !== 'test') add(`${name} {a}, {m}`, flags)
}
for (const name of ['inc', 'dec', 'neg', 'not']) {
  add(`${name} {a}`)
  add(`${name} {m}`)
}
for (const name of ['xadd', 'cmpxchg']) {
  add(`${name} {a}, {b}`)
  add(`${name} {b}, {a}`)
  add(`${name} {m}, {b}`)
  add(`lock ${name} {m}, {b}`)
}
add('xadd {a}, {a}')
add('xadd ah, al', 0, [1])
add('mov {a}, {m}; cmpxchg {m}, {b}')
add('cmpxchg8b [ebx]', 0, [4])
add('mov eax, [ebx]; mov edx, [ebx+4]; mov ecx, 77; cmpxchg8b [ebx]', 0, [4])

compareWithHost(snippets)
