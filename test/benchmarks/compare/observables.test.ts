// What counts as the same behaviour, and what is named when it is not.
import { differences, observe } from '../../../benchmarks/compare/observables.js'
import { runsOf } from '../../../benchmarks/compare/runs.js'

const CONSOLE = [
  '[    0.000000] Linux version 6.1',
  '[    0.010000] tsc: Detected 1000.003 MHz processor',
  '[    0.500000] ata1: ready',
  'previrt: userland',
  'previrt: begin one',
  'hello',
  '[    1.000000] one[42]: segfault',
  'previrt: end one c0ffee 0',
  'previrt: begin two',
  'previrt: end two - 77',
  '[    1.100000] figure: two write 64 KiB in 1234 us: 53109 KiB/s',
  'previrt: done',
]
const seen = (lines: readonly string[] = CONSOLE, status = 0, disk = 'd15c') =>
  observe(lines.join('\r\n'), status, disk)
const changed = (from: string, to: string) => seen(CONSOLE.map(line => line.replace(from, to)))

test('a console is taken apart into workloads and messages', () => {
  expect(seen()).toEqual({
    exitStatus: 0,
    workloads: [
      { name: 'one', checksum: 'c0ffee', status: 0, console: 'hello' },
      { name: 'two', checksum: '-', status: 77, console: '' },
    ],
    throughput: [{ what: 'two write', amount: 64, unit: 'KiB', microseconds: 1234 }],
    log: ['Linux version 6.1', 'ata1: ready', 'one[42]: segfault', 'previrt: done', 'previrt: userland'].sort(),
    disk: 'd15c',
  })
})

test('time stamps, the order of messages and what the list allows are no difference', () => {
  const order = [CONSOLE[2]!, ...CONSOLE.filter((_, n) => n !== 2)]
  expect(differences(seen(), seen(order.map(line => line.replace('0.5', '0.7'))))).toEqual([])
  expect(differences(seen(), changed('1000.003', '999.9'))).toEqual([])
  expect(differences(seen(), changed('in 1234 us', 'in 999 us'))).toEqual([])
})

test.each([
  ['the checksum', changed('c0ffee', 'badbad'), ['checksum of one: "badbad", not "c0ffee"']],
  ['the status', changed('c0ffee 0', 'c0ffee 1'), ['status of one: 1, not 0']],
  ['what a workload prints', changed('hello', 'hullo'), ['console of one: "hullo", not "hello"']],
  [
    'a message',
    changed('ata1: ready', 'ata1: lost'),
    ["kernel log: has 'ata1: lost'", "kernel log: lacks 'ata1: ready'"],
  ],
  ['the exit status', seen(CONSOLE, 3), ['exit status: 3, not 0']],
  ['the disk', seen(CONSOLE, 0, 'f00d'), ['disk image: "f00d", not "d15c"']],
  [
    'a workload that is missing',
    seen(CONSOLE.filter(line => !line.includes('two'))),
    ['workloads: "one", not "one,two"'],
  ],
])('%s that differs is named', (_, other, expected) => {
  expect(differences(seen(), other)).toEqual(expected)
})

test('a workload that one path skips is no difference; another is still compared', () => {
  expect(differences(seen(), changed('end two - 77', 'end two abc 0'))).toEqual([])
})

test('paths stand for runs; native comes first', () => {
  const ids = (paths: string) => runsOf('linux', paths.split(',')).map(({ id }) => id)
  const natives = ['native', 'native/annotated', 'native/stripped']
  expect(ids('native,trap,xen')).toEqual([...natives, 'trap/all', 'trap/vtx', 'xen/4.17'])
  expect(ids('native,xen/3.0,xen/3.0')).toEqual([...natives, 'xen/3.0'])
  expect(runsOf('kernel.elf', ['native', 'trap/vtx']).map(({ id }) => id)).toEqual(['native', 'trap/vtx'])
  expect(() => ids('trap')).toThrow(/name native first/)
  expect(() => ids('native,vax')).toThrow(/no path 'vax'.*xen\/3\.0/)
  expect(() => ids('native,xen/5')).toThrow(/no path 'xen\/5'/)
})
