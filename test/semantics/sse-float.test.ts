// Floating-point instructions of SSE and SSE2 against the host's own CPU, in all modes of MXCSR, with exceptions masked
// and not.

import { sseAgainstHost } from '../drivers/sse-against-host.js'

const SEED = Number(process.env.SEED ?? 20051020)
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

const groups: [string, string[]][] = [
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

describe.each(groups)('%s', (_, instructions) => {
  test.each([
    ['all modes', 100, {}],
    ['masked, plain mode', 60, { masked: true, plain: true }],
    ['masked, plain mode, PE set', 60, { masked: true, plain: true, sticky: true }],
  ])('%s', (_, count, options) => {
    const { skipped, differences } = sseAgainstHost(instructions, count, SEED, options)
    if (skipped) console.warn(`not compared with the host: ${skipped}`)
    expect(differences.slice(0, 3)).toEqual([])
  })
})
