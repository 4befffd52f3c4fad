// Several guests on Xen by the command: each prints, counts and ends as it does alone, to the last instruction and byte of
// memory; how they are told apart; what the status of all is.

import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { buildImage } from '../../images/index.js'
import { type RunReport, runReportSchema } from '../../src/cli/report-schema.js'
import { previrt, testFolder } from './command.js'

const at = testFolder()
const MINUTES = 60_000

type Alone = Pick<RunReport, 'exit' | 'digest' | 'instructions' | 'instructionsBy' | 'entries' | 'hypercalls'> &
  Pick<RunReport, 'exceptions' | 'virtualNanoseconds' | 'haltedNanoseconds' | 'pageTableUpdates' | 'upcalls'>

/** What a guest's run is compared by: everything but what its neighbours' use of the processor changes (translations). */
function essence(report: Alone & Pick<RunReport, 'workloads' | 'operations' | 'softwareInterrupts'>) {
  const { exit, digest, instructions, instructionsBy, entries, hypercalls, exceptions, operations } = report
  const { virtualNanoseconds, haltedNanoseconds, pageTableUpdates, upcalls, softwareInterrupts } = report
  const workloads = report.workloads.map(({ name, checksum, status, instructions, entries }) => [
    ...[name, checksum, status, instructions, entries],
  ])
  const counts = { instructions, instructionsBy, entries, hypercalls, exceptions, operations, softwareInterrupts }
  return { exit, digest, ...counts, virtualNanoseconds, haltedNanoseconds, pageTableUpdates, upcalls, workloads }
}

let consoles = 0
/** Runs what the words say; the report, and the console of each guest. */
async function report(words: readonly string[], names: readonly string[] = []) {
  const file = at(`console${consoles++}`)
  const { status, stdout, stderr } = await previrt('run', '--on', 'xen', ...words, '--json', '--serial', `file:${file}`)
  expect(stderr).toBe('')
  const read = (name: string) => readFileSync(name === '' ? file : `${file}.${name}`, 'latin1')
  const json = runReportSchema.parse(JSON.parse(stdout))
  return { status, json, consoles: (names.length > 0 ? names : ['']).map(read) }
}
/** Runs guests together and each alone: nothing is left out, time is virtual. */
async function compare(profile: string, guests: readonly (readonly [name: string, words: string])[]) {
  const words = guests.flatMap(([name, text]) => ['--guest', `${text} --name ${name}`])
  const together = await report(
    ['--xen-profile', profile, ...words],
    guests.map(([name]) => name),
  )
  expect(together.status).toBe(0)
  const alone = new Map<string, Awaited<ReturnType<typeof report>>>()
  for (const [n, [name, text]] of guests.entries()) {
    const [image, ...rest] = text.split(' ')
    const solo = alone.get(text) ?? (await report([image!, ...rest, '--xen-profile', profile]))
    alone.set(text, solo)
    const guest = together.json.guests![n]!
    expect({ name, ...essence(guest as never) }).toEqual({ name, ...essence(solo.json as never) })
    expect(together.consoles[n]).toBe(solo.consoles[0])
  }
  return together.json
}

describe.each(['4.17', '3.0'])('profile %s', profile => {
  test(
    'mini twice, and four times with other memory, workloads and places',
    async () => {
      await compare(profile, [
        ['a', 'mini'],
        ['b', 'mini'],
      ])
      const json = await compare(profile, [
        ['a', 'mini --append workload=fork,sort'],
        ['b', 'mini --mem 64M'],
        ['c', 'mini'],
        ['d', 'mini --append workload=pipe'],
      ])
      const sum = json.guests!.reduce((all, guest) => all + guest.instructions, 0)
      expect(json.instructions).toBe(sum)
      const longest = Math.max(...json.guests!.map(guest => guest.virtualNanoseconds))
      expect(json.virtualNanoseconds).toBeGreaterThanOrEqual(Math.max(longest, json.instructions))
    },
    8 * MINUTES,
  )
})

beforeAll(async () => {
  await buildImage('linux')
}, 60 * MINUTES)

test(
  'four Linux guests reach userland and finish sort and fork as each does alone',
  async () => {
    const words = 'linux --append workload=sort,fork'
    const json = await compare('4.17', [
      ['a', words],
      ['b', words],
      ['c', words],
      ['d', words],
    ])
    for (const { workloads } of json.guests!) expect(workloads.map(({ name }) => name)).toEqual(['sort', 'fork'])
    const solo = json.guests![0]!
    process.stderr.write(
      `four Linux guests: ${json.virtualNanoseconds} ns together, ${solo.virtualNanoseconds} ns alone (${solo.instructions} instructions), ${json.entries!.schedule} turns by the clock\n`,
    )
  },
  30 * MINUTES,
)

test(
  'each its own disk: what is on it at the end, and all else, as alone',
  async () => {
    const disk = (name: string) => {
      writeFileSync(at(name), 'previrt scratch')
      truncateSync(at(name), 32 << 20)
      return at(name)
    }
    const words = 'linux --append workload=disk --disk'
    const solo = await report([...words.split(' '), disk('alone')])
    const guests = ['a', 'b'].flatMap(name => ['--guest', `${words} ${disk(name)} --name ${name}`])
    const together = await report(guests, ['a', 'b'])
    expect(solo.json.disk!.writes).toBeGreaterThan(0)
    for (const guest of together.json.guests!) {
      expect(essence(guest as never)).toEqual(essence(solo.json as never))
      expect(guest.disk).toEqual(solo.json.disk)
    }
    const twice = ['--guest', `mini --disk ${at('a')}`, '--guest', `mini --disk ${at('a')}`]
    expect((await previrt('run', '--on', 'xen', ...twice)).stderr).toContain('two guests have it')
  },
  30 * MINUTES,
)

test(
  'one console: whole lines behind names; the worst status counts',
  async () => {
    const both = await previrt(
      'run',
      '--on',
      'xen',
      '--guest',
      'mini --append workload=fork',
      '--guest',
      'mini --name b',
    )
    expect({ status: both.status, stderr: both.stderr }).toEqual({ status: 0, stderr: '' })
    const lines = both.stdout.trimEnd().split('\n')
    expect(lines.every(line => /^\[(mini|b)\] /.test(line))).toBe(true)
    expect(lines.filter(line => /^\[mini\] previrt: (begin|end) /.test(line))).toHaveLength(2)
    const met = await previrt('run', '--on', 'xen', '--guest', 'mini', '--guest', 'mini', '--expect', 'begin fork')
    expect({ status: met.status, stderr: met.stderr }).toEqual({ status: 0, stderr: '' })
    expect(met.stdout).not.toContain('begin smc')
    const words = ['--guest', 'mini --append workload=fork', '--guest', 'mini --name b', '--budget', '30M']
    const limit = await previrt('run', '--on', 'xen', ...words, '--serial', 'none')
    expect(limit.status).toBe(4)
    expect(limit.stderr).toMatch(/^previrt: \[b\] the budget of instructions is used up at EIP 0x[0-9a-f]{8}[^\n]*\n$/)
  },
  8 * MINUTES,
)

test(
  'compare --consolidate: guests are added, and each stays what it is',
  async () => {
    const words = ['compare', 'mini', '--consolidate', '1,2', '--workload', 'fork,sort', '--on', 'xen/3.0', '--json']
    const { status, stdout, stderr } = await previrt(...words)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const { alone, runs } = JSON.parse(stdout)
    expect(runs[0]).toMatchObject({ guests: 1, throughput: 1, scheduleEntries: 0, instructions: alone.instructions })
    expect(runs[1]).toMatchObject({ guests: 2, instructions: 2 * alone.instructions, differences: [] })
    expect(runs[1].throughput).toBeGreaterThanOrEqual(1)
  },
  8 * MINUTES,
)

test(
  'more memory than the machine or a VMM can have is refused',
  async () => {
    const large = await previrt('run', '--on', 'xen', '--guest', 'mini --mem 1024M')
    expect({ status: large.status, stderr: large.stderr }).toEqual({
      status: 2,
      stderr: 'previrt: --mem: 1024M for a guest in a VMM; 768M are the most, give less\n',
    })
    const words = new Array<string[]>(3).fill(['--guest', 'mini --mem 600M']).flat()
    const many = await previrt('run', '--on', 'xen', ...words)
    expect({ status: many.status, lines: many.stderr.trim().split('\n').length }).toEqual({ status: 2, lines: 1 })
    expect(many.stderr).toContain('1896 MiB for all guests together')
  },
  8 * MINUTES,
)
