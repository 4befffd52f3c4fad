// Entries into the hypervisor for each workload of Linux, pre-virtualized on Xen 4.17 and by pure virtualization: at most
// a tenth of what trapping everything makes; and no more than VT-x makes, software interrupts and exceptions of user code
// aside, which Xen 4.17 has to hand to ring 1 and VT-x does not see. Prints the figures.
import { buildImage } from '../../images/index.js'
import { type Counted, workloadsOf } from './entries/measure.js'

const WORKLOADS = 'syscall,fork,exec,pipe,mmap,fault,signal,switch,fpu,tls,smc,sort,gzip,sha,awk,grep,loop,compile'
const SCALE = 10

function run(...path: string[]): Promise<Counted[]> {
  return workloadsOf('linux', '--on', ...path, '--append', `workload=${WORKLOADS} scale=${SCALE}`)
}

const handed = ({ entriesBy = {} }: Counted) =>
  Object.entries(entriesBy)
    .filter(([kind]) => kind.startsWith('int_') || (kind.startsWith('exception_') && kind !== 'exception_14'))
    .reduce((sum, [, count]) => sum + count, 0)

beforeAll(async () => {
  await buildImage('linux')
}, 3_600_000)

test('entries of each workload on xen, trap all and trap vtx', async () => {
  const onXen = await run('xen')
  const onTrap = await run('trap', '--trap-policy', 'all')
  const onVtx = await run('trap', '--trap-policy', 'vtx')
  const rows = onXen.map((workload, n) => ({
    name: workload.name,
    xen: workload.entries!,
    handed: handed(workload),
    all: onTrap[n]!.entries!,
    vtx: onVtx[n]!.entries!,
    same: workload.checksum === onTrap[n]!.checksum && workload.checksum === onVtx[n]!.checksum,
  }))
  for (const { name, xen, handed, all, vtx } of rows)
    process.stdout.write(
      `${name.padEnd(8)} ${String(xen).padStart(6)} (${handed} handed on); all ${all}, ${(xen / all).toFixed(3)}; vtx ${vtx}\n`,
    )
  expect(rows.filter(({ same }) => !same)).toEqual([])
  expect(rows.filter(({ xen, all }) => xen > all / 10)).toEqual([])
  expect(rows.filter(({ xen, handed, vtx }) => xen - handed > vtx)).toEqual([])
}, 600_000)
