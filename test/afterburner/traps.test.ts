// What a text rewriter or a macro alone would miss or break: macro bodies, repetition, quotes, prefixes, bytes, labels.
import { SENSITIVE_CLASSES } from '../../src/isa/sensitive.js'
import { disassemble, readRecords, Workshop } from './assemble.js'

const workshop = new Workshop()
beforeAll(() => workshop.open(), 60_000)
afterAll(() => workshop.close())

const nameOf = (number: number) => SENSITIVE_CLASSES.find(entry => entry.number === number)!.name

/** Class names of the sites, after checking that nothing but padding was added. */
function sites(source: string): string[] {
  const { plain, useful, records, lines, object } = workshop.both(source)
  const replacements = source.includes('.replacement') ? disassemble(object, '.replacement') : []
  expect(useful.map(line => line.text.replace(/0x[0-9a-f]+|[0-9a-f]+ <.*>/g, '#'))).toEqual(
    plain.map(line => line.text.replace(/0x[0-9a-f]+|[0-9a-f]+ <.*>/g, '#')),
  )
  const starts = new Set([...lines, ...replacements].map(line => line.address))
  expect(records.every(record => starts.has(record.address))).toBe(true)
  return records.map(record => nameOf(record.class))
}

test('bodies of macros, with and without arguments', () => {
  const source = `.macro change op, register
\t\\op
\tmov %cr0, \\register
\tpushl %ds
.endm
\tchange cli, %eax
\tchange sti, %ecx
\tret`
  expect(sites(source)).toEqual(['cli', 'mov_from_control', 'push_segment', 'sti', 'mov_from_control', 'push_segment'])
})

test('repetition and conditions', () => {
  const source = `.rept 3
cli
.endr
.irp op, rdtsc, cpuid
\\op
.endr
.if 0
hlt
.else
clts
.endif`
  expect(sites(source)).toEqual(['cli', 'cli', 'cli', 'rdtsc', 'cpuid', 'clts'])
})

test('instructions in quotes, as arguments of a macro', () => {
  const source = `.macro alternative old, new
661:\t\\old
662:
\t.pushsection .replacement, "ax"
\t\\new
\t.popsection
.endm
\talternative "pushf; cli", ".byte 0x0f,0x01,0xca"
\talternative "", "movl %cr3, %eax; movl %eax, %cr3"`
  expect(sites(source)).toEqual(['pushf', 'cli', 'clac', 'mov_from_control', 'mov_to_control'])
})

test('prefixes on the line before, behind a semicolon and in the same statement', () => {
  expect(sites('rep\n\tinsl\n rep; outsw\nrepz insb\nrep ; nop\ndata16 iret')).toEqual(['ins', 'outs', 'ins', 'iret'])
  const { records, plain, lines } = workshop.both('rep\n\tinsl\n rep; outsw\n')
  // Which prefix comes first is the source's choice.
  expect([plain[1]!.text, lines[2]!.text]).toEqual(['rep outsw %ds:(%esi),(%dx)', 'rep outsw %ds:(%esi),(%dx)'])
  expect(records.map(record => [record.address, record.instructionBytes])).toEqual([
    [0, 2],
    [8, 3],
  ])
})

test('instructions written as bytes, in code only', () => {
  const source = `.byte 0x0f, 0x01, 0xd0
\t.byte 15,48
.byte 0xfa
.byte 0x0f,0x01,0xca, 0x90
.data
.byte 0x0f, 0x01, 0xd0
.byte 0xfa
.text
.byte 0x0f,0x32
.pushsection .rodata
.byte 0xf4
.popsection
.byte 0xf4`
  const { records } = workshop.both(source)
  expect(records.map(record => nameOf(record.class))).toEqual(['xgetbv', 'wrmsr', 'cli', 'rdmsr', 'hlt'])
})

test('STI with the instruction in its shadow is one site', () => {
  const fused = ['sti; hlt', 'sti\n\n\thlt', 'sti; .byte 0x0f, 0x01, 0xc9', 'sti # on\n# 12 "x.S" 1\nsysexit']
  for (const source of fused) {
    const { records, lines } = workshop.both(source)
    expect(records.map(record => [nameOf(record.class), record.flags, record.bytes])).toEqual([['sti_wait', 1, 8]])
    expect(lines[1]!.address).toBe(1)
    expect(records[0]!.instructionBytes).toBe(1 + lines[1]!.bytes)
  }
})

test('a label between STI and HLT keeps them apart', () => {
  expect(sites('sti\n1: hlt\njmp 1b')).toEqual(['sti', 'hlt'])
})

test('labels and the exception table keep their instructions', () => {
  const source = `1: rdmsr
2: ret
3: xorl %eax, %eax
jmp 2b
.section __ex_table, "a"
.long 1b - ., 3b - .`
  const { records, lines, useful } = workshop.both(source)
  expect(records[0]!.address).toBe(0)
  // The label behind the instruction is behind the padding too.
  expect(useful.at(-1)!.text).toBe(`jmp 0x${records[0]!.bytes.toString(16)}`)
  expect(lines[2]!.text).toBe('ret')
})

test('what only looks sensitive is left alone', () => {
  const source = `# cli
/* sti; hlt */ movl %fs:4(%eax), %ecx
movl $cli, %eax
cli_count = 3
.ascii "cli; mov %cr0, %eax; hlt"
.string "rep; insl # no"
movl %gs:0, %eax; movl %eax, %ss:(%esp)
rep; movsl
movb $'#', %al; movb $';', %al
int3
.section .note.x, "", @progbits
.byte 0xfa`
  expect(sites(source)).toEqual([])
})

test('a quoted comment sign does not hide what follows', () => {
  expect(sites(`movb $'#', %al; cli\nmovb $'"', %al; sti\n/* " */ clts`)).toEqual(['cli', 'sti', 'clts'])
})

test('16-bit code is left alone', () => {
  const { records } = workshop.both('.code16\ncli\nmovl %cr0, %eax\n.code32\nsti')
  expect(records.map(record => nameOf(record.class))).toEqual(['sti'])
})

test('LOOP and JECXZ across sites assemble as long as they reach', () => {
  expect(sites('1: inb $0x61, %al\n jecxz 2f\n loop 1b\n2: cli')).toEqual(['in', 'cli'])
})

test('a branch that no longer reaches is reported as ours, not the guest`s', () => {
  const body = Array.from({ length: 60 }, () => 'cli').join('\n')
  const result = workshop.compile('far.S', `1: ${body}\n loop 1b\n`)
  expect(result.ok).toBe(false)
  expect(result.messages).toContain('assembles, but not with its sensitive instructions padded')
})

test('numeric labels of the source and of the sites do not meet', () => {
  expect(sites('1: cli\n jmp 1b\n jmp 2f\n2: sti\n jmp 2b')).toEqual(['cli', 'sti'])
})

test('records stay out of the memory of the guest', () => {
  const object = workshop.assemble('cli')
  expect(readRecords(object)).toHaveLength(1)
  expect(disassemble(object)).toHaveLength(2)
})
