// --guest and --guests: what their words mean, what is refused and how, and consoles side by side.

import { writeFileSync } from 'node:fs'
import { namedSink } from '../../src/cli/guest-consoles.js'
import { guestSpecs } from '../../src/cli/guest-specs.js'
import { parseMemory } from '../../src/cli/options.js'
import { previrt, testFolder } from './command.js'

const at = testFolder()
const MEBIBYTE = 1 << 20
const nothing = { plain: false, kernel: undefined, initrd: undefined, append: undefined, disk: undefined }
const specs = (...texts: string[]) => guestSpecs(texts, undefined, parseMemory)

test('words as run has them, with quotation marks, and QEMU’s spellings', () => {
  const [one, two, three] = specs(
    `linux --name db --append "workload=sort scale=5" --mem 64M`,
    `-kernel 'a b/vmlinux' -initrd i.gz -append panic=-1 -m 32`,
    '  linux  --plain --disk=d.img ',
  )
  expect(one).toEqual({
    ...nothing,
    name: 'db',
    image: 'linux',
    append: 'workload=sort scale=5',
    memoryBytes: 64 * MEBIBYTE,
  })
  expect(two).toEqual({
    ...nothing,
    name: 'vmlinux',
    image: undefined,
    kernel: 'a b/vmlinux',
    initrd: 'i.gz',
    append: 'panic=-1',
    memoryBytes: 32 * MEBIBYTE,
  })
  expect(three).toEqual({
    ...nothing,
    name: 'linux',
    image: 'linux',
    plain: true,
    disk: 'd.img',
    memoryBytes: undefined,
  })
})

test('names are different', () => {
  expect(specs('mini', 'mini', 'x/mini', 'mini --name mini-2').map(({ name }) => name)).toEqual([
    'mini',
    'mini-3',
    'mini-4',
    'mini-2',
  ])
})

test('a file says the same', () => {
  const file = at('guests.json')
  writeFileSync(
    file,
    JSON.stringify([{ image: 'mini' }, { kernel: 'k', name: 'b', append: 'x y', mem: '8M', disk: 'd' }]),
  )
  expect(guestSpecs(['linux'], file, parseMemory)).toEqual([
    { ...nothing, name: 'linux', image: 'linux', memoryBytes: undefined },
    { ...nothing, name: 'mini', image: 'mini', memoryBytes: undefined },
    { ...nothing, name: 'b', image: undefined, kernel: 'k', append: 'x y', disk: 'd', memoryBytes: 8 * MEBIBYTE },
  ])
})

describe('refused in one line that says what and why', () => {
  const json = (name: string, text: string) => {
    writeFileSync(at(name), text)
    return ['--guests', at(name)]
  }
  const cases: readonly (readonly [why: string, words: readonly string[], part: string])[] = [
    ['no image', ['--guest', '--mem 8M'], 'give an image or --kernel'],
    ['two kernels', ['--guest', 'mini --kernel k'], 'give an image or --kernel'],
    ['two images', ['--guest', 'mini linux'], 'too many arguments'],
    ['an unknown word', ['--guest', 'mini --smp 2'], "unknown option '--smp'"],
    ['too little memory', ['--guest', 'mini --mem 0'], 'Give 1M to 1024M'],
    ['an open quotation mark', ['--guest', 'mini --append "a'], 'quotation mark'],
    ['one name twice', ['--guest', 'mini --name a', '--guest', 'mini --name a'], 'two guests have it'],
    ['a name for a file of another folder', ['--guest', 'mini --name ../a'], 'use letters'],
    ['too many', new Array(9).fill(['--guest', 'mini']).flat(), '8 at most'],
    [
      'an option of one guest',
      ['--guest', 'mini', '--append', 'x'],
      '--append: not with --guest; say it in the text of --guest',
    ],
    ['an image beside', ['mini', '--guest', 'mini'], 'IMAGE: not with --guest'],
    ['domain 0', ['--guest', 'mini', '--xen-dom0'], '--xen-dom0: not with --guest; run one guest alone'],
    ['a trace', ['--guest', 'mini', '--trace', 'int'], '--trace'],
    ['waiting for gdb', ['--guest', 'mini', '-S'], '-S: not with --guest; run one guest alone'],
    ['lockstep', ['--guest', 'mini', '--engine', 'lockstep'], '--engine lockstep: not with --guest'],
    ['no JSON', json('text', 'mini'), 'not JSON'],
    ['no array', json('object', '{}'), 'no array'],
    ['an unknown key', json('key', '[{"image":"mini","smp":2}]'), "unknown 'smp'"],
    ['a number for a text', json('number', '[{"image":"mini","mem":128}]'), 'mem is no string'],
    ['no file', ['--guests', at('absent')], 'no such file'],
  ]
  test.each(cases)('%s', async (_, words, part) => {
    const { status, stdout, stderr } = await previrt('run', '--on', 'xen', ...words)
    expect({ status, stdout, lines: stderr.trim().split('\n').length }).toEqual({ status: 2, stdout: '', lines: 1 })
    expect(stderr).toContain(part)
  })

  test.each(['native', 'trap'])('several guests on %s', async path => {
    const { status, stderr } = await previrt('run', '--on', path, '--guest', 'mini', '--guest', 'mini')
    expect({ status, stderr }).toEqual({ status: 2, stderr: `previrt: --guest --on ${path}: not in this version\n` })
  })
})

test('lines of consoles stay whole', () => {
  let text = ''
  const all = {
    write: (bytes: Uint8Array) => {
      text += Buffer.from(bytes).toString('latin1')
    },
    close: () => {},
  }
  const [a, b] = [namedSink('a', all), namedSink('b', all)]
  const write = (sink: typeof a, line: string) => sink!.write(Buffer.from(line, 'latin1'))
  write(a!, 'on')
  write(b!, 'two\r\nth')
  write(a!, 'e\nfo')
  write(b!, 'ree\n')
  a!.close()
  b!.close()
  expect(text).toBe('[b] two\r\n[a] one\n[b] three\n[a] fo\n')
})
