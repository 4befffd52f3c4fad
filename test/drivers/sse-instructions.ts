// The MMX, SSE and SSE2 instructions that are compared with the host's CPU, in groups, in Intel syntax: destination
// register 0, source register 1 (or the same as the destination), memory at [esi+32], general registers EAX and ECX.

/** A name and the instructions of the group. */
export type Group = readonly [string, readonly string[]]

const forms = (names: string, operands: string[]) => names.split(' ').flatMap(n => operands.map(o => `${n} ${o}`))
const XMM = ['xmm0, xmm1', 'xmm0, xmmword ptr [esi+32]', 'xmm0, xmm0']
const MMX = ['mm0, mm1', 'mm0, qword ptr [esi+32]', 'mm0, mm0']

const integer =
  `paddb paddw paddd paddq paddsb paddsw paddusb paddusw psubb psubw psubd psubq psubsb psubsw psubusb psubusw
pcmpeqb pcmpeqw pcmpeqd pcmpgtb pcmpgtw pcmpgtd pmullw pmulhw pmulhuw pmuludq pmaddwd pavgb pavgw pminub pminsw pmaxub
pmaxsw pand pandn por pxor psadbw packsswb packuswb packssdw punpckhbw punpckhwd punpckhdq`.replaceAll('\n', ' ')
const shifts = 'psllw pslld psllq psrlw psrld psrlq psraw psrad'
const counts = ['0', '1', '7', '15', '16', '31', '32', '63', '64', '255']

export const integerGroups: readonly Group[] = [
  [
    'packed integers',
    [
      ...forms(integer, [...XMM, ...MMX]),
      ...forms('punpcklbw punpcklwd punpckldq', [...XMM, 'mm0, mm1', 'mm0, dword ptr [esi+32]']),
      ...forms('punpcklqdq punpckhqdq', XMM),
    ],
  ],
  ['logic', forms('andps andpd andnps andnpd orps orpd xorps xorpd unpcklps unpckhps unpcklpd unpckhpd', XMM)],
  [
    'shifts',
    [
      ...forms(shifts, [...XMM, ...MMX]),
      ...forms(
        shifts,
        counts.flatMap(n => [`xmm0, ${n}`, `mm0, ${n}`]),
      ),
      ...forms('pslldq psrldq', ['xmm0, 0', 'xmm0, 1', 'xmm0, 5', 'xmm0, 8', 'xmm0, 15', 'xmm0, 16', 'xmm0, 200']),
    ],
  ],
  [
    'shuffles',
    [
      ...forms('pshufd pshuflw pshufhw shufps shufpd', [
        'xmm0, xmm1, 0x1b',
        'xmm0, xmmword ptr [esi+32], 0xc6',
        'xmm0, xmm0, 0x39',
      ]),
      ...forms('pshufw', ['mm0, mm1, 0x1b', 'mm0, qword ptr [esi+32], 0xc6', 'mm0, mm0, 0x39']),
      ...forms('pinsrw', ['xmm0, ecx, 5', 'xmm0, word ptr [esi+32], 15', 'mm0, ecx, 2', 'mm0, word ptr [esi+32], 7']),
      ...forms('pextrw', ['eax, xmm1, 5', 'eax, xmm1, 8', 'eax, mm1, 3', 'eax, mm1, 6']),
      ...forms('pmovmskb', ['eax, xmm1', 'eax, mm1']),
      'movmskps eax, xmm1',
      'movmskpd eax, xmm1',
    ],
  ],
  [
    'moves',
    [
      ...forms('movaps movapd movups movupd movdqa movdqu', [
        'xmm0, xmm1',
        'xmm0, xmmword ptr [esi+32]',
        'xmmword ptr [esi+32], xmm0',
      ]),
      ...forms('movss', ['xmm0, xmm1', 'xmm0, dword ptr [esi+32]', 'dword ptr [esi+32], xmm0']),
      ...forms('movsd', ['xmm0, xmm1', 'xmm0, qword ptr [esi+32]', 'qword ptr [esi+32], xmm0']),
      ...forms('movlps movlpd movhps movhpd', ['xmm0, qword ptr [esi+36]', 'qword ptr [esi+36], xmm0']),
      ...forms('movhlps movlhps', ['xmm0, xmm1', 'xmm0, xmm0']),
      ...forms('movd', ['xmm0, ecx', 'eax, xmm1', 'mm0, ecx', 'eax, mm1']),
      ...forms('movd', ['xmm0, dword ptr [esi+33]', 'dword ptr [esi+33], xmm1', 'mm0, dword ptr [esi+33]']),
      ...forms('movd', ['dword ptr [esi+33], mm1']),
      ...forms('movq', ['xmm0, xmm1', 'xmm0, qword ptr [esi+37]', 'qword ptr [esi+37], xmm1', 'mm0, mm1']),
      ...forms('movq', ['mm0, qword ptr [esi+37]', 'qword ptr [esi+37], mm1']),
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

const sizes: Record<string, string> = { ps: 'xmmword', pd: 'xmmword', ss: 'dword', sd: 'qword' }
const of = (names: string, types = 'ps pd ss sd') =>
  names
    .split(' ')
    .flatMap(n =>
      types
        .split(' ')
        .flatMap(t => [`${n}${t} xmm0, xmm1`, `${n}${t} xmm0, ${sizes[t]} ptr [esi+32]`, `${n}${t} xmm0, xmm0`]),
    )

const sources = (names: string, to: string, from: string, size: string) =>
  names.split(' ').flatMap(n => [`${n} ${to}, ${from}`, `${n} ${to}, ${size} ptr [esi+32]`])
const compares = of('cmp').flatMap((text, i) =>
  [0, 1, 2, 3, 4, 5, 6, 7].filter(n => n % 3 === i % 3).map(n => `${text}, ${n}`),
)

export const floatGroups: readonly Group[] = [
  ['arithmetic', of('add sub mul div sqrt')],
  ['minimum and maximum', of('min max')],
  ['comparison', [...compares, ...of('comi ucomi', 'ss sd')]],
  [
    'conversion',
    [
      ...sources('cvtps2dq cvttps2dq cvtpd2dq cvttpd2dq cvtdq2ps cvtpd2ps', 'xmm0', 'xmm1', 'xmmword'),
      ...sources('cvtdq2pd cvtps2pd', 'xmm0', 'xmm1', 'qword'),
      ...sources('cvtss2sd', 'xmm0', 'xmm1', 'dword'),
      ...sources('cvtsd2ss', 'xmm0', 'xmm1', 'qword'),
      ...sources('cvtpi2ps cvtpi2pd', 'xmm0', 'mm1', 'qword'),
      ...sources('cvtps2pi cvttps2pi', 'mm0', 'xmm1', 'qword'),
      ...sources('cvtpd2pi cvttpd2pi', 'mm0', 'xmm1', 'xmmword'),
      ...sources('cvtsi2ss cvtsi2sd', 'xmm0', 'ecx', 'dword'),
      ...sources('cvtss2si cvttss2si', 'eax', 'xmm1', 'dword'),
      ...sources('cvtsd2si cvttsd2si', 'eax', 'xmm1', 'qword'),
    ],
  ],
]
