// Our own programs for the guest: a userland without thread-local storage, for hypervisors that have none.
import { execFileSync } from 'node:child_process'
import { buildPrograms } from '../../images/programs.js'
import { toolchainIdentity } from '../../images/toolchain.js'

test('no program but `tls` has an instruction that uses %gs', async () => {
  const programs = (await buildPrograms(toolchainIdentity())).filter(({ source }) => !source.endsWith('.sh'))
  expect(programs.length).toBeGreaterThan(30)
  const users = programs.filter(({ source }) => {
    const text = execFileSync('objdump', ['-d', '--no-show-raw-insn', source], { encoding: 'utf8', maxBuffer: 1 << 26 })
    expect(text).toMatch(/\tret/)
    return text.includes('%gs')
  })
  expect(users.map(({ path }) => path)).toEqual(['workloads/tls'])
}, 120_000)

test('shell scripts are run by busybox, whose C library uses %gs', async () => {
  const scripts = (await buildPrograms(toolchainIdentity())).filter(({ source }) => source.endsWith('.sh'))
  const workloads = scripts.filter(({ path }) => path.startsWith('workloads/')).map(({ path }) => path.slice(10))
  expect(workloads).toEqual(['sort', 'gzip', 'sha', 'awk', 'grep', 'loop'])
}, 120_000)
