// A foreign kernel: Debian's GRUB as an unprivileged domain, with console ring, xenstore and a virtual disk, obeys what is
// typed.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { MemoryStorage } from '../../../src/devices/block-storage.js'
import { testFolder } from '../../cli/command.js'
import { type RunningDomain, startDomain } from './domain.js'
import { grubImage } from './grub-image.js'

const STEP = 20_000_000
const BUDGET = 1_000_000_000
const at = testFolder()

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

test.each(['4.17', '3.0'])(
  'GRUB finds the disk by its own front end and reads an archive on it, profile %s',
  async profile => {
    // Long enough for several pages, and for more requests than one.
    const lines = Array.from({ length: 4000 }, (_, n) => `line ${n} of a long file`)
    writeFileSync(at('story'), `${lines.join('\n')}\n`)
    const archive = execFileSync('tar', ['--format=ustar', '-C', at(''), '-cf', '-', 'story'])
    const disk = new MemoryStorage(new Uint8Array(archive))
    const domain = startDomain(await grubImage(), { profile, memoryBytes: 64 << 20, disk })
    const atPrompt = (count: number) => (console: string) => console.split('grub> ').length > count
    runUntil(domain, atPrompt(1))
    domain.hosting.send(Buffer.from('ls\n'))
    runUntil(domain, atPrompt(2))
    expect(domain.console()).toContain('(xen/xvda)')
    domain.hosting.send(Buffer.from('cat (xen/xvda)/story\n'))
    runUntil(domain, atPrompt(3))
    for (const line of [lines[0]!, lines[2000]!, lines.at(-1)!]) expect(domain.console()).toContain(line)
    domain.hosting.send(Buffer.from('halt\n'))
    expect(runUntil(domain, () => false)).toEqual({ kind: 'power-off' })
  },
)
