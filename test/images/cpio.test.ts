// The archive of the initial file system as GNU cpio reads it.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CpioEntry, writeCpio } from '../../images/cpio.js'

const ENTRIES: CpioEntry[] = [
  { kind: 'file', path: 'a/text', mode: 0o640, data: Buffer.from('four') },
  { kind: 'folder', path: 'a', mode: 0o755 },
  { kind: 'link', path: 'a/link', mode: 0o777, target: 'text' },
  { kind: 'character', path: 'a/console', mode: 0o600, major: 5, minor: 1 },
  { kind: 'file', path: 'odd', mode: 0o755, data: Buffer.from('12345') },
  { kind: 'file', path: 'empty', mode: 0o600, data: new Uint8Array(0) },
]

const hasCpio = spawnSync('cpio', ['--version']).status === 0
if (!hasCpio) process.stderr.write('cpio is not installed: the archive is not checked against it\n')

const withCpio = hasCpio ? test : test.skip

withCpio('GNU cpio lists every entry with its type, mode and size', () => {
  const listing = execFileSync('cpio', ['-itv', '--quiet', '-n'], { input: writeCpio(ENTRIES), encoding: 'utf8' })
  const rows = listing
    .trim()
    .split('\n')
    .map(line => line.split(/\s+/))
  expect(rows.map(row => [row[0], row.at(-1)])).toEqual([
    ['drwxr-xr-x', 'a'],
    ['crw-------', 'a/console'],
    ['lrwxrwxrwx', 'text'],
    ['-rw-r-----', 'a/text'],
    ['-rw-------', 'empty'],
    ['-rwxr-xr-x', 'odd'],
  ])
  expect(listing).toMatch(/ 5, +1 .*a\/console/)
})

withCpio('GNU cpio unpacks the same bytes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cpio-'))
  try {
    const entries = ENTRIES.filter(entry => entry.kind !== 'character')
    execFileSync('cpio', ['-i', '--quiet'], { input: writeCpio(entries), cwd: folder })
    expect(readFileSync(join(folder, 'a/text'), 'latin1')).toBe('four')
    expect(readFileSync(join(folder, 'odd'), 'latin1')).toBe('12345')
    expect(readlinkSync(join(folder, 'a/link'))).toBe('text')
    expect(statSync(join(folder, 'odd')).mode & 0o777).toBe(0o755)
    expect(statSync(join(folder, 'empty')).size).toBe(0)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the order of the entries does not matter', () => {
  expect(writeCpio([...ENTRIES].reverse())).toEqual(writeCpio(ENTRIES))
})

test('an entry twice, or without its folder, is refused', () => {
  expect(() => writeCpio([...ENTRIES, ENTRIES[0]!])).toThrow('two entries at a/text')
  expect(() => writeCpio([{ kind: 'folder', path: 'x/y', mode: 0o755 }])).toThrow('x/y lies in a folder')
})
