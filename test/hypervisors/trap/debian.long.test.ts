// Debian's kernel as it comes, on trap under both policies: it ends as natively, to the last bit.

import { debianGuest } from '../../../images/debian-guest.js'
import { runReportSchema } from '../../../src/cli/report-schema.js'
import { previrt } from '../../cli/command.js'
import { POLICIES } from './on-trap.js'

const MINUTES = 60_000

test(
  'boots and runs its self-check',
  async () => {
    const { kernel, initrd } = await debianGuest()
    const report = async (...words: string[]) => {
      const guest = ['--kernel', kernel, '--initrd', initrd, '--cpu', 'previrt-guest']
      const { stdout } = await previrt('run', ...guest, '--serial', 'none', '--json', ...words)
      const { exit, instructions, digest, workloads } = runReportSchema.parse(JSON.parse(stdout))
      return { exit, instructions, digest, checksums: workloads.map(({ name, checksum }) => [name, checksum]) }
    }
    const native = await report()
    expect(native.exit.status).toBe(0)
    expect(native.checksums.length).toBeGreaterThan(5)
    for (const policy of POLICIES) expect(await report('--on', 'trap', '--trap-policy', policy)).toEqual(native)
  },
  30 * MINUTES,
)
