// Data movement, flags and near branches against the host's CPU.

import { AF, allSizes, compareWithHost, type Snippet } from '../drivers/compare-host.js'

const EBX = 3
const snippets: Snippet[] = []
const add = (text: string, undefinedFlags = 0, sizes = [4]) => {
  for (const { text: t } of allSizes(text, sizes)) snippets.push({ text: t, undefinedFlags, pointers: [EBX] })
}
const all = [1, 2, 4]

for (const text of ['mov {a}, {b}', 'mov {m}, {a}', 'mov {a}, {m}', 'mov {a}, -5', 'mov {m}, 0x71']) add(text, 0, all)
for (const text of ['xchg {a}, {b}', 'xchg {m}, {b}', 'xchg {a}, {a}']) add(text, 0, all)
for (const name of ['movzx', 'movsx'])
  for (const to of ['cx', 'eax']) for (const from of ['dh', 'cl', 'byte ptr [ebx]']) add(`${name} ${to}, ${from}`)
for (const from of ['dx', 'ax', 'word ptr [ebx]']) {
  add(`movzx eax, ${from}`)
  add(`movsx eax, ${from}`)
}
for (const address of ['[eax+ecx*4+0x12345]', '[ebp-1]', '[bx+si-3]', '[esp+edx*8]', '[0x1234]'])
  for (const to of ['eax', 'dx']) add(`lea ${to}, ${address}`)
for (const text of ['bswap eax', 'bswap ebp', 'cbw', 'cwde', 'cwd', 'cdq', 'lahf', 'sahf', '.byte 0xd6']) add(text)
for (const text of ['clc', 'stc', 'cmc', 'nop', 'pause', 'mov ax, ds', 'mov word ptr [ebx], 7; nop'])
  if (!text.includes('ds')) add(text)
add('and eax, 0x1f; xlatb', AF)
add('mov eax, [0x20001000]; mov [0x20001004], eax; mov al, [0x20000fff]')

for (const cc of 'o no b ae e ne be a s ns p np l ge le g'.split(' ')) {
  add(`cmov${cc} {a}, {b}`, 0, [2, 4])
  add(`set${cc} ah`)
  add(`j${cc} 1f; lea ecx, [ecx+1]; 1:`)
  add(`cmp {a}, {b}; set${cc} byte ptr [ebx]`, 0, all)
  add(`cmp {a}, {b}; j${cc} 1f; inc ebp; 1:`, 0, all)
  add(`test {a}, {b}; j${cc} 1f; lea ebp, [ebp+1]; 1:`, AF, all)
}
add('cmove eax, [ebx]')

// Branches: the return addresses on the stack are those of the host's code.
add('jmp 1f; inc eax; 1: dec ecx')
add('call 1f; add ecx, 5; jmp 2f; 1: inc edx; ret; 2:')
add('push 3; call 1f; jmp 2f; 1: ret 4; 2:')
add('call 1f; 1: pop eax')
add('mov eax, offset 1f; jmp eax; inc edx; 1:')
add('mov dword ptr [ebx], offset 1f; call [ebx]; jmp 2f; 1: add dword ptr [esp], 0; ret; 2:')
add('and ecx, 7; inc ecx; 1: inc eax; loop 1b')
add('and ecx, 7; inc ecx; 1: add al, 31; loopne 1b')
add('and ecx, 7; inc ecx; 1: and al, 31; loope 1b', AF)
add('mov cx, 3; 1: inc eax; addr16 loop 1b')
add('jecxz 1f; inc eax; 1:')
add('and ecx, 1; jecxz 1f; inc eax; 1:', AF)
add('jcxz 1f; inc eax; 1:')

compareWithHost(snippets)
