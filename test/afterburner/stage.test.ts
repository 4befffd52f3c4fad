// The stage as gcc runs it: compiler output, inline assembly, errors of the guest's source, files that are left alone.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describeRules, SKIP_RULES } from '../../src/afterburner/rules.js'
import { SENSITIVE_CLASSES } from '../../src/isa/sensitive.js'
import { disassemble, readRecords, useful, Workshop } from './assemble.js'

const workshop = new Workshop()
beforeAll(() => workshop.open(), 60_000)
afterAll(() => workshop.close())

const names = (object: string) =>
  readRecords(object).map(record => SENSITIVE_CLASSES.find(entry => entry.number === record.class)!.name)

test('inline assembly in C', () => {
  const source = `unsigned long save(void) { unsigned long f; asm volatile("pushf; pop %0; cli" : "=rm"(f) :: "memory"); return f; }
void in_many(void *to, int n) { asm volatile("rep; insl" : "+D"(to), "+c"(n) : "d"(0x1f0) : "memory"); }
void wait(void) { asm volatile("sti; hlt" ::: "memory"); }\n`
  const annotated = workshop.compile('inline.c', source)
  const plain = workshop.compile('inline.c', source, { plain: true })
  expect(names(annotated.object)).toEqual(['pushf', 'cli', 'ins', 'sti_wait'])
  expect(useful(disassemble(annotated.object)).map(line => line.text)).toEqual(
    useful(disassemble(plain.object)).map(line => line.text),
  )
})

test('an error in the source names the guest`s own file and line', () => {
  const inline = workshop.compile('wrong.c', 'void f(void) {\n\n  asm volatile("cli; frobnicate %eax");\n}\n')
  expect(inline.ok).toBe(false)
  expect(inline.messages).toContain("wrong.c:3: Error: no such instruction: `frobnicate %eax'")
  expect(inline.messages).not.toContain('afterburner:')
  const operand = workshop.compile('wrong.S', '\n\n\tcli %eax\n')
  expect(operand.ok).toBe(false)
  expect(operand.messages).toContain('wrong.S:3: Error: number of operands mismatch')
})

test('a failed run leaves no object', () => {
  const result = workshop.compile('again.S', '\tcli %eax\n')
  expect(spawnSync('test', ['-e', result.object]).status).toBe(1)
})

test.each(SKIP_RULES)('$path is left alone: $reason', rule => {
  const object = workshop.assemble('cli', { output: join(rule.path, 'x.o') })
  expect(disassemble(object).map(line => line.text)).toEqual(['cli'])
  expect(describeRules()).toContain(rule.path)
})

test('the initialisation of the real-mode trampoline is not left alone', () => {
  expect(names(workshop.assemble('cli', { output: 'arch/x86/realmode/init.o' }))).toEqual(['cli'])
})

test('64-bit programs of the build are left alone', () => {
  const result = workshop.compile('host.S', '\tcli\n', { flags: ['-m64', '-march=x86-64'] })
  expect(disassemble(result.object).map(line => line.text)).toEqual(['cli'])
})

test('gcc may pipe its output', () => {
  const result = workshop.compile('piped.c', 'void f(void) { asm volatile("clts"); }\n', { flags: ['-pipe'] })
  expect(names(result.object)).toEqual(['clts'])
})

const PAGING = `typedef struct { unsigned long pte; } pte_t;
static inline void native_set_pte(pte_t *ptep, pte_t pte)
{
	*ptep = pte;
}
`

test('stores of a source line that writes page tables are sites, and no code changes', () => {
  workshop.compile('asm/pgtable-2level.h', PAGING)
  const source = `#include "asm/pgtable-2level.h"
extern int g(int);
int set(pte_t *p, pte_t v, unsigned long *q) {
  native_set_pte(p + g(1), v);
  *q = 3;
  return g(2);
}
void many(pte_t *p, int n) { for (int i = 0; i < n; i++) native_set_pte(p + i, (pte_t){i << 12}); }\n`
  const annotated = workshop.compile('tables.c', source, { flags: ['-fverbose-asm'] })
  const plain = workshop.compile('tables.c', source, { plain: true })
  expect(names(annotated.object)).toEqual(['pte_write', 'pte_write'])
  expect(useful(disassemble(annotated.object)).map(line => line.text.replace(/ [0-9a-f]+ <.*>/, ''))).toEqual(
    useful(disassemble(plain.object)).map(line => line.text.replace(/ [0-9a-f]+ <.*>/, '')),
  )
})
