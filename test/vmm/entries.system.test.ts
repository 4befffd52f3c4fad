// How often the hypervisor is entered for one event, in Linux (entries/measure.ts), and for a sensitive instruction of a
// kernel, of each class that mini executes 10,000 times.
import { measureLinux, workloadsOf } from './entries/measure.js'

const EVENTS = 10_000
const SHORT = 500

test('Linux on Xen 4.17: entries for each event', () => measureLinux(EVENTS, SHORT), 300_000)

const CLASSES = ['cli', 'sti', 'pushf', 'popf', 'segments', 'iret', 'pic', 'uart', 'cpuid']

test('mini on Xen 4.17: sensitive instructions of a kernel enter nothing', async () => {
  const workloads = await workloadsOf('mini', '--on', 'xen', '--append', `workload=${CLASSES.join(',')}`)
  expect(workloads.map(({ name, status }) => `${name} ${status}`)).toEqual(CLASSES.map(name => `${name} 0`))
  for (const { name, entries, instructionsBy } of workloads) {
    const instructions = (instructionsBy!.vmm! / EVENTS).toFixed(1)
    process.stdout.write(
      `${name.padEnd(12)} ${(entries! / EVENTS).toFixed(4)}, instructions of the VMM ${instructions}\n`,
    )
    // The call that asks for them, the markers and timer ticks.
    expect(entries).toBeLessThan(20)
  }
}, 120_000)
