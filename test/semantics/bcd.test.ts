// Decimal adjustment against the host's CPU, on so many vectors that every value of AL is met with every AF and CF.

import { AF, CF, compareWithHost, OF, PF, SF, type Snippet, ZF } from '../drivers/compare-host.js'

const snippets: Snippet[] = [
  { text: 'aaa', undefinedFlags: OF | SF | ZF | PF },
  { text: 'aas', undefinedFlags: OF | SF | ZF | PF },
  { text: 'daa', undefinedFlags: OF },
  { text: 'das', undefinedFlags: OF },
]
for (const base of [0, 7, 10, 16, 255])
  for (const opcode of ['0xd4', '0xd5'])
    snippets.push({ text: `.byte ${opcode}, ${base}`, undefinedFlags: OF | AF | CF })

compareWithHost(snippets, 4000)
