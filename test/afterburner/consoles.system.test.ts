// The same annotated binary on three machines, ours, QEMU and v86: on each it prints what the plain one prints there.
import { buildImage, DEFAULT_COMMAND_LINE, type Image } from '../../images/index.js'
import { absence, guestConsole, MACHINES } from '../drivers/guest-console.js'

const MINUTES = 60_000
const LINUX = `${DEFAULT_COMMAND_LINE} workload=syscall,fork,pipe,fault,signal,fpu scale=5`
/** Without `sensitive` on v86: its LTR ends the emulator where a busy TSS must raise #GP (SPECIFICATION.md). */
const MINI = 'workload=syscall,fork,exec,pipe,mmap,fault,signal,switch,fpu,tls,smc,sort,sha,grep,loop'

const images: Record<string, Image[]> = {}
beforeAll(async () => {
  for (const name of ['linux', 'mini']) images[name] = [await buildImage(name), await buildImage(name, { plain: true })]
}, 30 * MINUTES)

/** Without what legitimately differs: time stamps, addresses, sizes and what measures time. */
function comparable(lines: readonly string[]): string[] {
  return lines
    .slice(lines.findIndex(line => line.includes('Linux version')))
    .map(line => line.replace(/^\[ *\d+\.\d+\] /, '').replace(/0x[0-9a-f]+|\d+/g, '#'))
    .filter(line => line !== '' && !/\btsc\b|calibrat|clocksource|sched_clock/i.test(line))
}

const markers = (lines: readonly string[]) => lines.filter(line => line.startsWith('previrt: '))

for (const machine of MACHINES) {
  const reason = absence(machine)
  if (reason !== undefined) process.stderr.write(`${machine}: ${reason}\n`)
  const withMachine = reason === undefined ? test : test.skip

  withMachine(
    `Linux on ${machine}`,
    async () => {
      const [annotated, plain] = [
        await guestConsole(machine, images.linux![0]!, LINUX, 128),
        await guestConsole(machine, images.linux![1]!, LINUX, 128),
      ]
      expect(annotated.length).toBeGreaterThan(60)
      expect(markers(annotated)).toEqual(markers(plain))
      const [one, other] = [comparable(annotated), comparable(plain)]
      // The clock of v86 is the host's, and with it the order in which the kernel's threads report.
      expect(machine === 'v86' ? one.sort() : one).toEqual(machine === 'v86' ? other.sort() : other)
    },
    10 * MINUTES,
  )

  withMachine(
    `mini on ${machine}`,
    async () => {
      const all = machine === 'v86' ? MINI : `${MINI},sensitive`
      const [annotated, plain] = [
        await guestConsole(machine, images.mini![0]!, all, 32),
        await guestConsole(machine, images.mini![1]!, all, 32),
      ]
      expect(annotated).toEqual(plain)
      const ends = markers(annotated).filter(line => line.startsWith('previrt: end '))
      expect(ends).toHaveLength(all.split(',').length)
      for (const line of ends) expect(line).toMatch(/ 0$/)
    },
    2 * MINUTES,
  )
}

test('the checksums of the workloads are the same on every machine', async () => {
  const usable = MACHINES.filter(machine => absence(machine) === undefined)
  const all = await Promise.all(usable.map(machine => guestConsole(machine, images.mini![0]!, MINI, 32)))
  for (const lines of all) expect(markers(lines)).toEqual(markers(all[0]!))
}, 120_000)
