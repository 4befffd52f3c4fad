// The mini guest on trap under every engine, and with timer interrupts at other moments: always what native has.

import { buildImage } from '../../../images/index.js'
import { engineNames } from '../../../src/engine/engines.js'
import { momentsAgree, runBeside } from './beside-native.js'
import { POLICIES } from './on-trap.js'

const MINUTES = 60_000

let kernel = ''
beforeAll(async () => {
  kernel = (await buildImage('mini')).path
}, MINUTES)

test.each(engineNames)(
  'engine %s',
  engine => {
    const guest = { kernel, engine, commandLine: 'workload=syscall,fork,exec,fault,signal,sensitive' }
    const native = runBeside({ ...guest, policy: undefined })
    for (const policy of POLICIES) expect(runBeside({ ...guest, policy }).outcome).toEqual(native.outcome)
  },
  10 * MINUTES,
)

test(
  '10 moments of timer interrupts',
  () => momentsAgree(10, { kernel, commandLine: 'workload=fork,pipe,signal,switch' }),
  10 * MINUTES,
)
