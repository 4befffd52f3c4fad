// Guests on trap with timer interrupts at many other moments: always what native has. SEED=n repeats a draw.

import { buildImage } from '../../../images/index.js'
import { momentsAgree } from './beside-native.js'

const MINUTES = 60_000

test(
  '200 moments of mini',
  async () => {
    const { path: kernel } = await buildImage('mini')
    momentsAgree(200, { kernel, commandLine: 'workload=fork,pipe,signal,switch' })
  },
  30 * MINUTES,
)

test(
  '20 moments of Linux',
  async () => {
    const { path: kernel, initrd } = await buildImage('linux')
    const commandLine = 'console=ttyS0,115200 panic=-1 reboot=k workload=fork,pipe,signal,switch scale=10'
    momentsAgree(20, { kernel, initrd, commandLine })
  },
  60 * MINUTES,
)
