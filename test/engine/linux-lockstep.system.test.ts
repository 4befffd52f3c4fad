// Linux in lockstep: reference against the cold engine, the cold engine against the hot one, through the boot and the
// whole suite of workloads at 5 % of its size.
import { linuxInLockstep } from '../drivers/linux-lockstep.js'

const MINUTES = 60_000
const WORKLOADS = /^previrt: end (\w+) \S+ (\d+)\r?$/gm

test(
  'boot and workloads are the same on every engine',
  async () => {
    const run = await linuxInLockstep({
      append: 'workload=all scale=5',
      engines: ['reference', 'interpreter', 'blocks'],
      budget: 1e9,
    })
    if (!run) return
    expect(run.console).toMatch(/^previrt: done\r?$/m)
    const failed = [...run.console.matchAll(WORKLOADS)].filter(([, name, status]) => {
      const skipped = status === '77' && (name === 'disk' || name === 'net')
      return status !== '0' && !skipped
    })
    expect(failed.map(([line]) => line)).toEqual([])
    expect([...run.console.matchAll(WORKLOADS)].length).toBeGreaterThan(15)
  },
  30 * MINUTES,
)
