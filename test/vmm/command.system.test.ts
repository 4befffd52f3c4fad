// The command: a named guest on Xen, its export as one file, and that file as domU and as domain 0.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { previrt } from '../cli/command.js'
import { markers } from './guests.js'

const folder = mkdtempSync(join(tmpdir(), 'previrt-export-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a guest; its status, messages and the lines of its console that count. */
async function run(...words: string[]) {
  const file = join(folder, 'console')
  const { status, stderr } = await previrt('run', ...words, '--serial', `file:${file}`)
  return { status, stderr, lines: markers(readFileSync(file, 'latin1')) }
}

test('mini on Xen, exported, as domU and as domain 0', async () => {
  const { lines } = await run('mini', '--cpu', 'previrt-guest')
  expect(lines.at(-1)).toBe('previrt: done')
  expect(await run('mini', '--on', 'xen')).toMatchObject({ status: 0, lines })
  const file = join(folder, 'mini.elf')
  const exported = await previrt('export', 'mini', '--on', 'xen', '--mem', '32M', '-o', file)
  expect({ status: exported.status, stderr: exported.stderr }).toEqual({
    status: 0,
    stderr: `previrt: ${file}: give its domain 64 MiB\n`,
  })
  for (const role of [[], ['--xen-dom0']]) {
    const outcome = await run('--on', 'xen', '--kernel', file, '--mem', '64M', ...role)
    expect({ role, ...outcome }).toMatchObject({ role, status: 0, lines })
  }
  expect(readFileSync(file).subarray(0, 4).toString('latin1')).toBe('\u007fELF')
  const small = await run('--on', 'xen', '--kernel', file, '--mem', '40M')
  expect(small.status).toBe(3)
  expect(small.stderr).toContain("previrt: give the domain 32 MiB more than the guest's memory")
}, 240_000)

test('no sensitive instruction of mini is outside its sites', async () => {
  const { stdout } = await previrt('run', 'mini', '--on', 'xen', '--check-sites', '--serial', 'none', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ exit: { status: 0 }, missedSites: [] })
}, 240_000)

test('what cannot be exported is refused in one line', async () => {
  const plain = await previrt('export', '/bin/true', '--on', 'xen', '-o', join(folder, 'none'))
  expect(plain.status).toBe(2)
  expect(plain.stderr.trim().split('\n')).toHaveLength(1)
  const other = await previrt('export', 'mini', '--on', 'l4', '-o', join(folder, 'none'))
  expect({ status: other.status, stderr: other.stderr }).toEqual({
    status: 2,
    stderr: 'previrt: export --on l4: not in this version\n',
  })
}, 60_000)
