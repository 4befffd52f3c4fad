// The stack against the host's CPU.

import { compareWithHost, type Snippet } from '../drivers/compare-host.js'

const [EBX, EBP] = [3, 5] as const
const texts = [
  'push eax',
  'push esp',
  'push sp',
  'push 0x12345678',
  'push -2',
  'pushw -2',
  'push word ptr [ebx]',
  'push dword ptr [ebx]',
  'push dword ptr [esp+4]',
  'pop eax',
  'pop dx',
  'pop esp',
  'pop sp',
  'pop dword ptr [ebx]',
  'pop word ptr [ebx]',
  'pop dword ptr [esp+4]',
  'pop dword ptr [esp]',
  'pop word ptr [esp+2]',
  'pop dword ptr [esp+ebp*1-0x20000f80]',
  'pusha',
  'pushaw',
  'popa; mov esp, ebx',
  'popaw',
  'leave',
  'leavew',
  'enter 8, 0',
  'enter 16, 1',
  'enter 4, 3',
  'enterw 6, 2',
  'pushf; popf',
  'pushf; pop eax; and eax, 0x8d5; push eax; popf; or esi, 0',
  'push eax; and dword ptr [esp], 0x8d5; popf',
  'push eax; and word ptr [esp], 0x8d5; popfw',
]
const snippets: Snippet[] = texts.map(text => ({
  text,
  pointers: [EBX, EBP],
  direction: text.includes('popf') && !text.includes('0x8d5'),
}))

compareWithHost(snippets)
