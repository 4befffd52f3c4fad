// Which lines of a fragment a kernel configuration has not taken.
import { droppedLines } from '../../images/linux/kernel.js'

const FRAGMENT = '# a comment\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C="text"\nCONFIG_D=y\n# CONFIG_D is not set\n'

test('a configuration that took every line', () => {
  expect(droppedLines(FRAGMENT, 'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C="text"\nCONFIG_E=y\n')).toEqual([])
})

test('an option that cannot be set is absent altogether, which is as good as not set', () => {
  expect(droppedLines('# CONFIG_B is not set\n', '')).toEqual([])
})

test('lines that were not taken are named', () => {
  expect(droppedLines(FRAGMENT, 'CONFIG_A=m\nCONFIG_B=y\nCONFIG_C="other"\nCONFIG_D=y\n')).toEqual([
    'CONFIG_A=y',
    '# CONFIG_B is not set',
    'CONFIG_C="text"',
    '# CONFIG_D is not set',
  ])
})
