// The inspector on the mini kernel: right on a sound image, and able to find every defect that is put into a copy.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildAssembler } from '../../images/assembler.js'
import { buildMini } from '../../images/mini/build.js'
import { compareImages } from '../../src/afterburner/inspect/against.js'
import { inspectImage } from '../../src/afterburner/inspect/inspect.js'
import { listFunction } from '../../src/afterburner/inspect/listing.js'
import { formatComparison, formatInspection } from '../../src/afterburner/inspect/report.js'
import { SENSITIVE_CLASSES } from '../../src/isa/sensitive.js'
import { LoadError } from '../../src/loader/load-error.js'

const folder = mkdtempSync(join(tmpdir(), 'inspect-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let annotated: Buffer
let plain: Buffer
let path = ''
beforeAll(async () => {
  for (const name of ['as', 'plain', 'annotated']) mkdirSync(join(folder, name))
  await buildAssembler(join(folder, 'as'))
  path = await buildMini(join(folder, 'annotated'), {
    folder: join(folder, 'as'),
    compilerFlags: [],
    profile: '',
    digest: '',
  })
  annotated = readFileSync(path)
  plain = readFileSync(await buildMini(join(folder, 'plain')))
}, 60_000)

/** Offset in the file and length of a section, as readelf sees it. */
function section(name: string): { offset: number; bytes: number; address: number } {
  const text = execFileSync('readelf', ['-SW', path], { encoding: 'utf8' })
  const fields = text
    .split('\n')
    .find(line => line.includes(` ${name} `))!
    .split(name)[1]!
    .trim()
    .split(/\s+/)
  return {
    address: Number.parseInt(fields[1]!, 16),
    offset: Number.parseInt(fields[2]!, 16),
    bytes: Number.parseInt(fields[3]!, 16),
  }
}

function changed(change: (bytes: Buffer) => void, from = annotated): Buffer {
  const copy = Buffer.from(from)
  change(copy)
  return copy
}

/** The record's place in the file whose site starts with these bytes. */
function recordOf(code: readonly number[]): { record: number; text: number; address: number } {
  const [records, text] = [section('.afterburn'), section('.text')]
  for (let at = records.offset; at < records.offset + records.bytes; at += 8) {
    const address = annotated.readUInt32LE(at)
    const place = address - text.address + text.offset
    if (code.every((byte, i) => annotated[place + i] === byte)) return { record: at, text: place, address }
  }
  throw new Error('no such site')
}

test('the mini kernel is covered completely, and has every class', () => {
  const report = inspectImage('mini', annotated)
  expect(report).toMatchObject({
    complete: true,
    invalidBytes: 0,
    uncovered: [],
    strayRecords: [],
    interiorReferences: [],
  })
  // SYSEXIT stands in STI's shadow; user code enters by SYSENTER; the rest is not of the processors that mini knows.
  const absent = ['sysenter', 'sysexit', 'rdpkru', 'profiled_store']
  const names = SENSITIVE_CLASSES.map(entry => entry.name).filter(name => !absent.includes(name))
  expect(report.classes.map(each => each.name)).toEqual(names)
  expect(report.sites).toBe(section('.afterburn').bytes / 8)
  expect(formatInspection(report)).toMatch(/^total +\d+ +\d+ +\d+$/m)
})

test('objdump finds as many sensitive instructions as the report has sites', () => {
  const text = execFileSync('objdump', ['-d', '--no-show-raw-insn', path], { encoding: 'utf8' })
  const cli = text.match(/\tcli *$/gm)!.length
  const report = inspectImage('mini', annotated)
  expect(report.classes.find(each => each.name === 'cli')!.sites).toBe(cli)
  const wrmsr = text.match(/\twrmsr *$/gm)!.length
  expect(report.classes.find(each => each.name === 'wrmsr')!.sites).toBe(wrmsr)
})

test('a sensitive instruction outside every site is found', () => {
  const { text, address } = recordOf([0xfa])
  // The site's padding becomes CLI again and again: the first stays covered, the rest is padding that does something.
  const report = inspectImage(
    'mini',
    changed(bytes => bytes.fill(0xfa, text + 1, text + 8)),
  )
  expect(report.complete).toBe(false)
  expect(report.strayRecords).toMatchObject([{ address, what: 'cli: the padding does something' }])
  const other = changed(bytes => {
    const at = bytes.indexOf(Buffer.from([0x31, 0xc0]), section('.text').offset)
    bytes.set([0x0f, 0xa2], at)
  })
  expect(inspectImage('mini', other).uncovered).toHaveLength(1)
  expect(inspectImage('mini', other).uncovered[0]!.what).toBe('cpuid')
})

test('a record of the wrong class, or without an instruction, is found', () => {
  const { record, address } = recordOf([0xfa])
  const wrong = inspectImage(
    'mini',
    changed(bytes => bytes.writeUInt8(2, record + 6)),
  )
  expect(wrong.strayRecords).toMatchObject([{ address, what: 'sti: the instruction there is of class cli' }])
  const none = inspectImage(
    'mini',
    changed(bytes => bytes.writeUInt8(0x90, recordOf([0xfa]).text)),
  )
  expect(none.strayRecords).toMatchObject([{ address, what: 'cli: the instruction there is not sensitive' }])
})

test('an entry of the exception table inside a site is found', () => {
  const table = section('__ex_table')
  const report = inspectImage(
    'mini',
    changed(bytes => bytes.writeInt32LE(bytes.readInt32LE(table.offset) + 1, table.offset)),
  )
  expect(report.interiorReferences.map(each => each.what)).toEqual(['exception-table (instruction of entry 0)'])
})

test.each<[string, (bytes: Buffer, at: number) => void, RegExp]>([
  ['truncated', bytes => bytes.writeUInt32LE(1001, headerOf(bytes, '.afterburn') + 20), /truncated/],
  ['unsorted', (bytes, at) => bytes.copyWithin(at, at + 16, at + 24), /not sorted/],
  ['overlapping', (bytes, at) => bytes.writeUInt32LE(bytes.readUInt32LE(at) + 1, at + 8), /overlap/],
  ['outside text', (bytes, at) => bytes.writeUInt32LE(0x1000, at), /outside the text/],
  ['of an unknown class', (bytes, at) => bytes.writeUInt8(250, at + 6), /unknown class 250/],
  ['too short', (bytes, at) => bytes.writeUInt8(3, at + 5), /fewer than/],
  ['longer than their site', (bytes, at) => bytes.writeUInt8(9, at + 4), /instruction of 9 in a site of/],
])('records that are %s are refused in one line', (_, change, message) => {
  const bytes = changed(copy => change(copy, section('.afterburn').offset))
  expect(() => inspectImage('mini', bytes)).toThrow(LoadError)
  expect(() => inspectImage('mini', bytes)).toThrow(message)
  expect(() => inspectImage('mini', bytes)).toThrow(/^mini at offset 0x[0-9a-f]+: [^\n]+; build/)
})

/** Offset of a section's header, found by its name in the section name table. */
function headerOf(bytes: Buffer, name: string): number {
  const [table, count, names] = [bytes.readUInt32LE(32), bytes.readUInt16LE(48), bytes.readUInt16LE(50)]
  const strings = bytes.readUInt32LE(table + names * 40 + 16)
  for (let i = 0; i < count; i++) {
    const at = table + i * 40
    const start = strings + bytes.readUInt32LE(at)
    if (bytes.toString('latin1', start, start + name.length + 1) === `${name}\0`) return at
  }
  throw new Error(`no section ${name}`)
}

test('an image without records is refused', () => {
  expect(() => inspectImage('plain', plain)).toThrow(/^plain: no records .*; build it with the afterburner/)
})

test('every function of the annotated kernel is the plain one plus padding', () => {
  const report = compareImages('annotated', annotated, 'plain', plain)
  expect(report.unproved).toEqual([])
  expect(report.proved + report.assumed.length).toBe(report.functions)
  // These fold the distance between the user's image and its place in the kernel into one constant.
  for (const each of report.assumed) expect(['resolve_fault', 'processes_start', 'process_exec']).toContain(each.symbol)
  expect(report.functions).toBeGreaterThan(100)
  expect(formatComparison(report)).toContain(`${report.proved} of ${report.functions}`)
})

test('a changed instruction, constant or branch is not proved', () => {
  const text = section('.text')
  const change = (find: number[], replace: number[]) =>
    changed(bytes => bytes.set(replace, bytes.indexOf(Buffer.from(find), text.offset)))
  const cases = [
    // sub $, %esp; xor %eax,%eax -> or; cmp
    change([0x31, 0xc0], [0x09, 0xc0]),
    change([0x83, 0xec], [0x83, 0xc4]),
    changed(bytes => {
      const at = bytes.indexOf(0xe8, text.offset + 0x40)
      bytes.writeInt32LE(bytes.readInt32LE(at + 1) + 4, at + 1)
    }),
  ]
  for (const bytes of cases) {
    expect(compareImages('annotated', bytes, 'plain', plain).unproved.length).toBeGreaterThan(0)
  }
})

test('a function is listed with its sites marked', () => {
  const lines = listFunction('mini', annotated, 'check_flags_survive').split('\n')
  expect(lines[0]).toMatch(/^[0-9a-f]{8} <check_flags_survive>:$/)
  expect(lines.filter(line => line.startsWith('>')).map(line => line.split('; ')[1])).toEqual([
    'cli, 8 bytes',
    'mov_from_control, 8 bytes',
    'mov_to_control, 8 bytes',
    'out, 8 bytes',
    'sti, 8 bytes',
  ])
  expect(lines.filter(line => line.startsWith('.'))).toHaveLength(5)
  expect(() => listFunction('mini', annotated, 'nowhere')).toThrow(/no code has the name nowhere/)
})
