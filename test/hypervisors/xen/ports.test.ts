// I/O ports of a domain: none without an I/O privilege; with it the machine's own only for the control domain, which of the
// timer has channel 2 (xen/arch/x86/emul-i8254.c).

import { buildKernel, startDomain } from './domain.js'

const BUDGET = 20_000_000
const kernel = buildKernel('ports')

test.each([
  { privileged: false, profile: '4.17' },
  { privileged: false, profile: '3.0' },
  { privileged: true, profile: '4.17' },
  { privileged: true, profile: '3.0' },
])('control domain $privileged, profile $profile', ({ privileged, profile }) => {
  const domain = startDomain(kernel, { privileged, profile })
  expect(domain.run(BUDGET)).toEqual({ kind: 'power-off' })
  const shown = privileged ? domain.console() : domain.log()
  expect(shown.split('\n').filter(line => line !== '' && !line.startsWith('first_stack'))).toEqual([
    'refused 4096',
    `counts ${Number(privileged)}`,
    'channel_0 0xffff',
    'mask 0xff',
    'traps 0',
  ])
})
