// The whole annotated Linux, rewritten, on the VMM: without a hypervisor (vmm/bare) and in a domain of our Xen. The workloads'
// checksums are the native ones, and no sensitive instruction is left to the processor.
import { audit } from '../../hypervisors/xen/memory/audit.js'
import type { Xen } from '../../hypervisors/xen/xen.js'
import { DEFAULT_COMMAND_LINE } from '../../images/index.js'
import { VIRTUAL_CPU_FIELDS, virtualCpuAddress } from '../../src/rewriter/virtual-cpu.js'
import { bareMachine, buildVmm } from './bare-machine.js'
import { linuxGuest, markers, runNatively, type TestGuest } from './guests.js'
import { xenDomain } from './xen-domain.js'

const BUDGET = 6_000_000_000
const WORKLOADS = 'syscall,fork,exec,pipe,mmap,fault,signal,switch,fpu,tls,smc,loop'
const COMMAND_LINE = `${DEFAULT_COMMAND_LINE} workload=${WORKLOADS} scale=5`

let guest: TestGuest
let expected: ReturnType<typeof runNatively>
beforeAll(async () => {
  guest = await linuxGuest(COMMAND_LINE)
  expected = runNatively(guest)
}, 3_600_000)

test('the native run ends well', () => {
  expect({ last: expected.lines.at(-1), kind: expected.kind }).toEqual({ last: 'previrt: done', kind: 'reset' })
})

test('without a hypervisor', () => {
  const { machine, missed, outcome, word } = bareMachine(buildVmm('bare', 'vmm-bare.elf'), guest)
  let text = ''
  machine.onConsole = byte => {
    text += String.fromCharCode(byte)
  }
  const { kind } = machine.run(BUDGET)
  expect(outcome.gone).toEqual([])
  expect({ lines: markers(text), kind }).toEqual({ lines: expected.lines, kind: expected.kind })
  expect(Object.fromEntries(missed)).toEqual({})
  const shadow = VIRTUAL_CPU_FIELDS.filter(({ name }) => name.startsWith('shadow_'))
  const counts = shadow.map(({ name }) => `${name} ${word(virtualCpuAddress(name))}`).join(', ')
  process.stderr.write(`instructions: ${expected.instructions} natively, ${machine.retired} with the VMM; ${counts}\n`)
}, 3_600_000)

test.each(['4.17', '3.0'])(
  'on Xen %s',
  profile => {
    const domain = xenDomain(buildVmm('xen', 'vmm-xen.elf'), guest, { profile })
    const { kind } = domain.run(BUDGET)
    expect({ lines: markers(domain.console()), kind }).toEqual({ lines: expected.lines, kind: expected.kind })
    const { frames, memory, domain: state } = domain.hypervisor as Xen
    expect(audit(memory, frames, state!.roots)).toEqual([])
    const entries = [...domain.hosting.entries].map(([name, count]) => `${name} ${count}`).join(', ')
    process.stderr.write(`${domain.machine.retired} instructions; entries: ${entries}\n`)
  },
  3_600_000,
)
