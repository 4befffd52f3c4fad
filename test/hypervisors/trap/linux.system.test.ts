// Linux on trap, annotated and not, through the command line: it does what it does natively, to the last bit, and every
// entry is told. Debian's own kernel is in the long tests.

import { buildImage } from '../../../images/index.js'
import { type RunReport, runReportSchema } from '../../../src/cli/report-schema.js'
import { previrt } from '../../cli/command.js'
import { POLICIES } from './on-trap.js'

const MINUTES = 60_000

async function report(...words: string[]): Promise<RunReport> {
  const { stdout } = await previrt('run', 'linux', '--cpu', 'previrt-guest', '--serial', 'none', '--json', ...words)
  return runReportSchema.parse(JSON.parse(stdout))
}
const PAGE_FAULT = 14
/** Shadow paging has page faults of its own: the guest's are those that it was given. */
function guestExceptions({ exceptions, entries }: RunReport) {
  return entries ? { ...exceptions, [PAGE_FAULT]: entries.guest_fault } : exceptions
}
const outcome = (run: RunReport) => ({
  ...{ exit: run.exit, instructions: run.instructions, haltedNanoseconds: run.haltedNanoseconds, digest: run.digest },
  ...{ interrupts: run.interrupts, exceptions: guestExceptions(run) },
  workloads: run.workloads.map(({ name, checksum, status }) => ({ name, checksum, status })),
})

test.each([[[]], [['--plain']]])(
  'boots, runs its self-check and ends as natively %j',
  async plain => {
    await buildImage('linux', { plain: plain.length > 0 })
    const native = await report(...plain)
    expect(native.exit.status).toBe(0)
    expect(native.workloads.length).toBeGreaterThan(5)
    for (const policy of POLICIES) {
      const trapped = await report(...plain, '--on', 'trap', '--trap-policy', policy)
      expect(outcome(trapped)).toEqual(outcome(native))
      expect(trapped).toMatchObject({ path: 'trap', profile: policy })
      expect(trapped.entries!.fill).toBeGreaterThan(1000)
      for (const { entries } of trapped.workloads) expect(entries).toBeGreaterThan(50)
    }
  },
  30 * MINUTES,
)
