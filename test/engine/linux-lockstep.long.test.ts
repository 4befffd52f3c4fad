// Linux in lockstep at full scale: the boot and the whole suite of workloads, cold engine against hot engine with three
// seeds, and all three engines once.
import { linuxInLockstep } from '../drivers/linux-lockstep.js'

const MINUTES = 60_000

test.each([
  ['interpreter', 'blocks'],
  ['interpreter', 'blocks'],
  ['interpreter', 'blocks'],
  ['reference', 'interpreter', 'blocks'],
] as const)(
  'the suite at full scale is the same on %s, %s %s',
  async (...engines) => {
    const run = await linuxInLockstep({ append: 'workload=all', engines, budget: 1e11 })
    if (run) expect(run.console).toMatch(/^previrt: done\r?$/m)
  },
  120 * MINUTES,
)
