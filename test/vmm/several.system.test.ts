// Guests in VMMs side by side in domains of our Xen, with turns so short that they change in the midst of everything: each
// prints, enters the hypervisor and takes time as alone.
import { VMM_MEMORY_BYTES } from '../../src/rewriter/package.js'
import { startDomains } from '../hypervisors/xen/domain.js'
import { buildVmm } from './bare-machine.js'
import { miniGuest } from './guests.js'
import { xenKernel } from './xen-domain.js'

const BUDGET = 400_000_000
const MINUTES = 60_000

test.each([
  ['4.17', 3_001],
  ['3.0', 7_919],
])(
  'mini twice, profile %s, turns of %i ns',
  async (profile, slice) => {
    const guest = await miniGuest('workload=syscall,fork,pipe,signal,fpu,tls,smc')
    const image = {
      kernel: xenKernel(buildVmm('xen', 'vmm-xen.elf'), guest),
      memoryBytes: guest.memory + VMM_MEMORY_BYTES,
    }
    const run = (count: number, turns?: number) => {
      const domains = startDomains(new Array(count).fill(image), { profile })
      if (turns !== undefined) domains.hypervisor.scheduler.slice = turns
      expect(domains.machine.run(BUDGET).kind).toBe('power-off')
      return domains.consoles.map((console, n) => {
        const { entries, hypercalls, counts } = domains.hosting.account(n)
        const { nanoseconds } = domains.hypervisor.guests[n]!
        return { console: console(), entries, hypercalls, retired: counts.retired, nanoseconds }
      })
    }
    const [alone] = run(1)
    expect(alone!.console).toContain('previrt: done')
    expect(run(2, slice)).toEqual([alone, alone])
  },
  10 * MINUTES,
)
