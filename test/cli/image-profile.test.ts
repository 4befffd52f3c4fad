// `image profile` on the mini kernel, in a cache of its own: a gap is found, closed, and does not come back.
import { existsSync, readFileSync } from 'node:fs'
import { previrt, testFolder } from './command.js'

const at = testFolder()
const { XDG_CACHE_HOME } = process.env
beforeAll(() => {
  process.env.XDG_CACHE_HOME = at('cache')
})
afterAll(() => {
  if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME
  else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME
})

test('one round closes the gap, on other workloads than the profile was taken with', async () => {
  const first = await previrt('image', 'profile', 'mini')
  expect(first.status).toBe(0)
  const rows = [...first.stdout.matchAll(/^(\w+) +(\d+) stores to tables, (\d+) of them outside sites/gm)]
  expect(rows.map(row => row[1])).toEqual(['recorded', 'before', 'after'])
  const [recorded, before, after] = rows.map(row => ({ stores: Number(row[2]), outside: Number(row[3]) }))
  // Mini writes the ring 0 stack into its TSS at each switch, and declares these stores nowhere.
  expect(recorded!.outside).toBeGreaterThan(50)
  expect(before!.outside / before!.stores).toBeGreaterThan(0.1)
  expect(after).toEqual({ stores: before!.stores, outside: 0 })
  const profile = /^added +\d+ to (\S+)$/m.exec(first.stdout)![1]!
  expect(readFileSync(profile, 'utf8')).toMatch(/^(\w+ \d+ \d+\n)+$/)

  const second = await previrt('image', 'profile', 'mini', '--json')
  expect(second.stdout.trimEnd()).not.toContain('\n')
  expect(JSON.parse(second.stdout)).toMatchObject({ schemaVersion: 1, image: 'mini', profile, added: [], after })

  const image = JSON.parse((await previrt('image', 'build', 'mini', '--json')).stdout)
  expect(image.path.startsWith(at('cache'))).toBe(true)
  expect((await previrt('inspect', image.path)).stdout).toMatch(/^profiled_store +1 /m)
}, 300_000)

test('an image that is unknown or not built is refused', async () => {
  const unknown = await previrt('image', 'profile', 'plan9')
  expect(unknown).toMatchObject({ status: 2, stdout: '' })
  expect(unknown.stderr).toBe('previrt: plan9: no such image; images are: linux, linux-net, mini\n')
  const missing = await previrt('image', 'profile', 'linux')
  expect(missing).toMatchObject({ status: 2, stdout: '' })
  expect(missing.stderr).toMatch(/^previrt: [^\n]+; run: [^\n]+\n$/)
  expect(existsSync(at('cache/previrt/profiles/linux'))).toBe(false)
})
