// Missing Debian packages are named, with the command that installs them.
import { spawnSync } from 'node:child_process'
import { missingPackages, REQUIRED_PACKAGES, requirePackages } from '../../images/packages.js'

const hasDpkg = spawnSync('dpkg-query', ['--version']).status === 0
if (!hasDpkg) process.stderr.write('skipped: dpkg-query is not there; missing packages are not looked for\n')
const withDpkg = hasDpkg ? test : test.skip

withDpkg('packages that are not installed are named, in order', () => {
  expect(missingPackages(['no-such-package-b', 'dpkg', 'no-such-package-a'])).toEqual([
    'no-such-package-b',
    'no-such-package-a',
  ])
})

test('the error says what is missing and what to run', () => {
  expect(() => requirePackages(['no-such-package'])).toThrow(
    'missing Debian packages: no-such-package; run: apt-get install -y no-such-package',
  )
})

test('the list names every package once', () => {
  expect(new Set(REQUIRED_PACKAGES).size).toBe(REQUIRED_PACKAGES.length)
})
