// The mini guest on trap under every engine, and with timer interrupts at other moments: always what native has.

import { engineNames } from '../../../src/engine/engines.js'
import { momentsAgree, runMini } from './mini.js'
import { POLICIES } from './on-trap.js'

const MINUTES = 60_000
const SHORT = 'workload=syscall,fork,exec,fault,signal,sensitive'

test.each(engineNames)(
  'engine %s',
  async engine => {
    const native = await runMini({ engine, policy: undefined, commandLine: SHORT })
    for (const policy of POLICIES) {
      const { outcome } = await runMini({ engine, policy, commandLine: SHORT })
      expect(outcome).toEqual(native.outcome)
    }
  },
  10 * MINUTES,
)

test('10 moments of timer interrupts', () => momentsAgree(10), 10 * MINUTES)
