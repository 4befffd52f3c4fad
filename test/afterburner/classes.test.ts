// Every class: each sample becomes a site of its class, its encoding unchanged, padded by one do-nothing instruction.
import { SENSITIVE_CLASSES, sensitiveClass } from '../../src/isa/sensitive.js'
import { disassemble, readRecords, useful, Workshop } from './assemble.js'
import { SAMPLES } from './samples.js'

const workshop = new Workshop()
beforeAll(() => workshop.open(), 60_000)
afterAll(() => workshop.close())

const TABLE_STORES = SENSITIVE_CLASSES.filter(entry => entry.privilege === 'table-store')

test('class numbers and names are unique, and numbers fit into a byte', () => {
  expect(new Set(SENSITIVE_CLASSES.map(entry => entry.number)).size).toBe(SENSITIVE_CLASSES.length)
  expect(new Set(SENSITIVE_CLASSES.map(entry => entry.name)).size).toBe(SENSITIVE_CLASSES.length)
  expect(SENSITIVE_CLASSES.every(entry => entry.number > 0 && entry.number < 256)).toBe(true)
  expect(sensitiveClass(1)?.name).toBe('cli')
})

test('there is a sample for every class', () => {
  const named = SENSITIVE_CLASSES.filter(entry => entry.privilege !== 'table-store' && entry.name !== 'sti_wait')
  expect(Object.keys(SAMPLES).sort()).toEqual(named.map(entry => entry.name).sort())
})

test('every sample becomes a site of its class with its encoding unchanged', () => {
  const all = Object.entries(SAMPLES).flatMap(([name, statements]) => statements.map(text => ({ name, text })))
  const { plain, lines, useful, records } = workshop.both(all.map(({ text }) => `\t${text}`).join('\n'))
  expect(useful.map(line => [line.text, line.bytes])).toEqual(plain.map(line => [line.text, line.bytes]))
  expect(records.map(record => sensitiveClass(record.class)?.name)).toEqual(all.map(({ name }) => name))
  for (const [i, record] of records.entries()) {
    const at = lines.findIndex(line => line.address === record.address)
    const entry = sensitiveClass(record.class)!
    expect({ ...record, flags: 0 }).toEqual({
      address: useful[i]!.address,
      instructionBytes: useful[i]!.bytes,
      bytes: Math.max(entry.room, useful[i]!.bytes),
      class: entry.number,
      flags: 0,
    })
    const padding = record.bytes - record.instructionBytes
    // One instruction of padding, right behind the sensitive one.
    if (padding > 0) expect(lines[at + 1]!.bytes).toBe(padding)
  }
})

test.each(TABLE_STORES.map(entry => entry.name))('a declared %s is a site', name => {
  const statements = ['movl %eax, (%edx)', 'movl $0, 0x80001000', 'movl %ecx, 4(%ebx,%esi,4)', 'btrl $5, (%eax)']
  const source = (mark: string) =>
    [...statements, 'rep movsl', 'movb $1, (%eax)'].map(text => `${mark}${text}`).join('\n')
  const marked = workshop.assemble(source(`afterburn_${name} `))
  const plain = workshop.both(source('')).plain
  expect(useful(disassemble(marked)).map(line => line.text)).toEqual(plain.map(line => line.text))
  const entry = SENSITIVE_CLASSES.find(each => each.name === name)!
  expect(readRecords(marked).map(record => [record.class, record.flags, record.instructionBytes])).toEqual(
    plain.map(line => [entry.number, 2, line.bytes]),
  )
})

test('a mnemonic that waits is WAIT and a site', () => {
  const { plain, useful, records } = workshop.both('finit\nfsave (%eax)\nfstsw %ax\nfclex\nfstcw (%eax)\nfstenv (%eax)')
  expect(useful.map(line => line.text)).toEqual(plain.map(line => line.text))
  expect(records.map(record => record.class)).toEqual([72, 70, 74, 76, 74, 75])
})
