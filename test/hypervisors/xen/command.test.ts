// Foreign kernels from the command line: where their consoles go, how they end, what cannot be used.

import { readFileSync, writeFileSync } from 'node:fs'
import { previrt, testFolder } from '../../cli/command.js'
import { buildKernel } from './domain.js'

const at = testFolder()
const kernelFile = at('facts')
const crashFile = at('crash')
writeFileSync(kernelFile, buildKernel('facts-processor'))
writeFileSync(crashFile, buildKernel('crash'))
const run = (kernel: string, ...more: string[]) => {
  const console = at('console')
  const words = ['run', '--on', 'xen', '--kernel', kernel, '--mem', '16M', '--serial', `file:${console}`, ...more]
  return previrt(...words).then(outcome => ({ ...outcome, console: readFileSync(console, 'latin1') }))
}

test('a domU: the ring on the console, console_io on standard error', async () => {
  const { status, console, stderr } = await run(kernelFile)
  expect(status).toBe(0)
  expect(console).toBe('ring: done\n')
  expect(stderr).toContain('\nuser_int82_error 0x412\n')
})

test('the control domain: console_io on the console', async () => {
  const { status, console, stderr } = await run(crashFile, '--xen-dom0')
  expect(status).toBe(3)
  expect(console).toMatch(/\nconsole_io\n$/)
  expect(stderr).toMatch(/^previrt: the hypervisor has ended the guest: it has no entry for trap 6; cs:eip e019:/)
})

test('a crash says where, with registers and symbol', async () => {
  const { status, console, stderr, stdout } = await run(crashFile, '--json')
  expect(status).toBe(3)
  expect(console).toBe('ring\n')
  expect(stderr).toMatch(/it has no entry for trap 6; cs:eip e019:c0[0-9a-f]{6} ss e021 eax .* edi .* \(test_main\+0x/)
  const report = JSON.parse(stdout)
  expect(report).toMatchObject({ path: 'xen', profile: '4.17', cpu: 'pentium4', exit: { status: 3, reason: 'crash' } })
  expect(report.hypercalls).toMatchObject({ set_trap_table: 2, console_io: 5 })
})

test('a domain that does not fit says what it needs', async () => {
  const { status, stderr } = await previrt('run', '--on', 'xen', '--kernel', kernelFile, '--mem', '2M')
  expect(status).toBe(2)
  expect(stderr).toMatch(
    /^previrt: .*facts: needs memory up to 0x00400000, the machine has 2 MiB; use --mem 4M or more\n$/,
  )
})
