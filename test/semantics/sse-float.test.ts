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

const groups: [string, string[]][] = [['arithmetic', of('add sub mul div sqrt')]]

describe.each(groups)('%s', (_, instructions) => {
  test.each([
    ['all modes', 150, {}],
    ['masked, plain mode', 80, { masked: true, plain: true }],
  ])('%s', (_, count, options) => {
    const { skipped, differences } = sseAgainstHost(instructions, count, SEED, options)
    if (skipped) console.warn(`not compared with the host: ${skipped}`)
    expect(differences.slice(0, 3)).toEqual([])
  })
})
