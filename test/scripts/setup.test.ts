// The set-up scripts: the package list covers what the image builder asks for, and options are checked.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { FOREIGN_ARCHITECTURE, PEER_PACKAGES, REQUIRED_PACKAGES } from '../../images/packages.js'

const scripts = join(import.meta.dirname, '..', '..', 'scripts')

interface Listed {
  readonly name: string
  readonly for: readonly string[]
  readonly why: string
}

test('set-up installs whatever building images and comparing with peers requires', async () => {
  const list: { packages: Listed[]; downloads: { name: string }[] } = await import(
    pathToFileURL(join(scripts, 'packages.js')).href
  )
  const names = (purpose: string) => list.packages.filter(item => item.for.includes(purpose)).map(item => item.name)
  expect(names('demo')).toEqual(expect.arrayContaining([...REQUIRED_PACKAGES]))
  expect(names('test')).toEqual(expect.arrayContaining([...REQUIRED_PACKAGES, ...PEER_PACKAGES]))
  expect(new Set(names('test')).size).toBe(names('test').length)
  for (const { name, why } of list.packages) expect([name, why.length > 10]).toEqual([name, true])
  for (const { name } of list.downloads) expect(name).toMatch(new RegExp(`:${FOREIGN_ARCHITECTURE}$`))
})

test.each([['--bogus'], ['--for'], ['--for', 'nothing'], ['--for', 'test', 'more']])(
  'options %j %j are refused',
  (...args) => {
    const result = spawnSync(process.execPath, [join(scripts, 'setup.js'), ...args], { encoding: 'utf8' })
    expect([result.status, result.stdout]).toEqual([2, ''])
    expect(result.stderr).toBe('setup: unknown option; usage: node scripts/setup.js [--for demo|test]\n')
  },
)
