// String instructions against the host's CPU: strings in a window across a page boundary, both directions.

import { compareWithHost, type Snippet } from '../drivers/compare-host.js'

const [EAX, ECX, ESI, EDI] = [0, 1, 6, 7] as const
const snippets: Snippet[] = []
for (const suffix of ['b', 'w', 'd'])
  for (const name of ['movs', 'stos', 'lods', 'scas', 'cmps']) {
    const repeats = name === 'cmps' || name === 'scas' ? ['', 'repe ', 'repne '] : ['', 'rep ']
    for (const repeat of repeats)
      snippets.push({
        text: `${repeat}${name}${suffix}`,
        pointers: [ESI, EDI],
        direction: true,
        prepare: r => {
          r[ECX] = r[ECX]! % 17
          // Likely to be met in memory.
          if (r[EAX]! % 3 === 0) r[EAX] = 0xffffffff
          if (r[EAX]! % 3 === 1) r[EAX] = 0
        },
      })
  }

compareWithHost(snippets, 200)
