// Moves, shuffles, shifts and packed integers of MMX, SSE and SSE2 against the host's own CPU.

import { sseAgainstHost } from '../drivers/sse-against-host.js'

const SEED = Number(process.env.SEED ?? 20051020)
const of = (names: string, operands: string[]) => names.split(' ').flatMap(n => operands.map(o => `${n} ${o}`))
const XMM = ['xmm0, xmm1', 'xmm0, xmmword ptr [esi+32]', 'xmm0, xmm0']
const MMX = ['mm0, mm1', 'mm0, qword ptr [esi+32]', 'mm0, mm0']

const integer =
  `paddb paddw paddd paddq paddsb paddsw paddusb paddusw psubb psubw psubd psubq psubsb psubsw psubusb psubusw
pcmpeqb pcmpeqw pcmpeqd pcmpgtb pcmpgtw pcmpgtd pmullw pmulhw pmulhuw pmuludq pmaddwd pavgb pavgw pminub pminsw pmaxub
pmaxsw pand pandn por pxor psadbw packsswb packuswb packssdw punpckhbw punpckhwd punpckhdq`.replaceAll('\n', ' ')
const shifts = 'psllw pslld psllq psrlw psrld psrlq psraw psrad'
const counts = ['0', '1', '7', '15', '16', '31', '32', '63', '64', '255']

const groups: [string, string[]][] = [
  [
    'packed integers',
    [
      ...of(integer, [...XMM, ...MMX]),
      ...of('punpcklbw punpcklwd punpckldq', [...XMM, 'mm0, mm1', 'mm0, dword ptr [esi+32]']),
      ...of('punpcklqdq punpckhqdq', XMM),
    ],
  ],
  ['logic', of('andps andpd andnps andnpd orps orpd xorps xorpd unpcklps unpckhps unpcklpd unpckhpd', XMM)],
  [
    'shifts',
    [
      ...of(shifts, [...XMM, ...MMX]),
      ...of(
        shifts,
        counts.flatMap(n => [`xmm0, ${n}`, `mm0, ${n}`]),
      ),
      ...of('pslldq psrldq', ['xmm0, 0', 'xmm0, 1', 'xmm0, 5', 'xmm0, 8', 'xmm0, 15', 'xmm0, 16', 'xmm0, 200']),
    ],
  ],
  [
    'shuffles',
    [
      ...of('pshufd pshuflw pshufhw shufps shufpd', [
        'xmm0, xmm1, 0x1b',
        'xmm0, xmmword ptr [esi+32], 0xc6',
        'xmm0, xmm0, 0x39',
      ]),
      ...of('pshufw', ['mm0, mm1, 0x1b', 'mm0, qword ptr [esi+32], 0xc6', 'mm0, mm0, 0x39']),
      ...of('pinsrw', ['xmm0, ecx, 5', 'xmm0, word ptr [esi+32], 15', 'mm0, ecx, 2', 'mm0, word ptr [esi+32], 7']),
      ...of('pextrw', ['eax, xmm1, 5', 'eax, xmm1, 8', 'eax, mm1, 3', 'eax, mm1, 6']),
      ...of('pmovmskb', ['eax, xmm1', 'eax, mm1']),
      'movmskps eax, xmm1',
      'movmskpd eax, xmm1',
    ],
  ],
  [
    'moves',
    [
      ...of('movaps movapd movups movupd movdqa movdqu', [
        'xmm0, xmm1',
        'xmm0, xmmword ptr [esi+32]',
        'xmmword ptr [esi+32], xmm0',
      ]),
      ...of('movss', ['xmm0, xmm1', 'xmm0, dword ptr [esi+32]', 'dword ptr [esi+32], xmm0']),
      ...of('movsd', ['xmm0, xmm1', 'xmm0, qword ptr [esi+32]', 'qword ptr [esi+32], xmm0']),
      ...of('movlps movlpd movhps movhpd', ['xmm0, qword ptr [esi+36]', 'qword ptr [esi+36], xmm0']),
      ...of('movhlps movlhps', ['xmm0, xmm1', 'xmm0, xmm0']),
      ...of('movd', ['xmm0, ecx', 'eax, xmm1', 'mm0, ecx', 'eax, mm1']),
      ...of('movd', ['xmm0, dword ptr [esi+33]', 'dword ptr [esi+33], xmm1', 'mm0, dword ptr [esi+33]']),
      ...of('movd', ['dword ptr [esi+33], mm1']),
      ...of('movq', ['xmm0, xmm1', 'xmm0, qword ptr [esi+37]', 'qword ptr [esi+37], xmm1', 'mm0, mm1']),
      ...of('movq', ['mm0, qword ptr [esi+37]', 'qword ptr [esi+37], mm1']),
      '.byte 0x66, 0x0f, 0xd6, 0xc8',
      '.byte 0x0f, 0x7f, 0xc8',
      '.byte 0x66, 0x0f, 0x7f, 0xc8',
      '.byte 0x0f, 0x29, 0xc8',
      'movq2dq xmm0, mm1',
      'movdq2q mm0, xmm1',
      'movnti dword ptr [esi+35], ecx',
      'movntq qword ptr [esi+35], mm1',
      'movntps xmmword ptr [esi+32], xmm1',
      'movntpd xmmword ptr [esi+32], xmm1',
      'movntdq xmmword ptr [esi+32], xmm1',
      'maskmovq mm0, mm1',
      'maskmovdqu xmm0, xmm1',
      'ldmxcsr dword ptr [esi+56]',
      'stmxcsr dword ptr [esi+33]',
      'sfence',
      'lfence',
      'mfence',
      'clflush byte ptr [esi+32]',
    ],
  ],
]

test.each(groups)('%s', (_, instructions) => {
  const { skipped, differences } = sseAgainstHost(instructions, 48, SEED)
  if (skipped) console.warn(`not compared with the host: ${skipped}`)
  expect(differences.slice(0, 3)).toEqual([])
})
