// A foreign kernel: Debian's GRUB as an unprivileged domain, with console ring and xenstore, obeys what is typed.

import { type RunningDomain, startDomain } from './domain.js'
import { grubImage } from './grub-image.js'

const STEP = 20_000_000
const BUDGET = 1_000_000_000

/** Runs until the console ends with a text. */
function runUntil(domain: RunningDomain, ready: (console: string) => boolean) {
  for (let run = 0; run < BUDGET && !ready(domain.console()); run += STEP) {
    const result = domain.run(STEP)
    if (result.kind !== 'budget' && result.kind !== 'idle') return result
  }
  return undefined
}

test.each(['4.17', '3.0'])('GRUB reaches its prompt, obeys and powers off, profile %s', async profile => {
  const domain = startDomain(await grubImage(), { profile, memoryBytes: 64 << 20 })
  const atPrompt = (count: number) => (console: string) => console.split('grub> ').length > count
  expect(runUntil(domain, atPrompt(1))).toBeUndefined()
  domain.hosting.send(Buffer.from('echo the "answer" is 42\n'))
  runUntil(domain, atPrompt(2))
  expect(domain.console()).toContain('the answer is 42')
  domain.hosting.send(Buffer.from('ls\n'))
  runUntil(domain, atPrompt(3))
  expect(domain.console()).toContain('(memdisk)')
  domain.hosting.send(Buffer.from('halt\n'))
  expect(runUntil(domain, () => false)).toEqual({ kind: 'power-off' })
})
