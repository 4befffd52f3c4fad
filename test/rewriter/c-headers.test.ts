// The virtual-CPU page is one description: the committed headers are what it generates, and the C compiler counts the
// same offsets and sizes as the TypeScript side.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { models } from '../../src/cpu/models.js'
import { SENSITIVE_CLASSES } from '../../src/isa/sensitive.js'
import { FORM_BYTES, INLINE_FORMS, OPERATIONS, SUBSTITUTIONS } from '../../src/isa/substitutions.js'
import { generatedHeaders } from '../../src/rewriter/c-headers.js'
import { OPERAND_BYTES } from '../../src/rewriter/operand.js'
import { VIRTUAL_CPU, VIRTUAL_CPU_FIELDS, virtualCpuAddress } from '../../src/rewriter/virtual-cpu.js'

const INCLUDE = join(import.meta.dirname, '../../vmm/include')

test('the committed headers are the generated ones', () => {
  for (const [name, text] of generatedHeaders(Object.values(models)))
    expect({ name, text: readFileSync(join(INCLUDE, name), 'utf8') }).toEqual({ name, text })
})

test('compiler and description agree on every field', () => {
  const folder = mkdtempSync(join(tmpdir(), 'previrt-'))
  try {
    const source = join(folder, 'offsets.c')
    const lines = VIRTUAL_CPU_FIELDS.flatMap(({ name, offset, bytes, count }) => [
      `_Static_assert(__builtin_offsetof(struct virtual_cpu, ${name}) == ${offset}, "offset of ${name}");`,
      `_Static_assert(sizeof ((struct virtual_cpu *)0)->${name} == ${bytes * count}, "size of ${name}");`,
      `_Static_assert(VCPU_${name.toUpperCase()} == ${VIRTUAL_CPU + offset}u, "address of ${name}");`,
    ])
    lines.push(`_Static_assert(sizeof(struct operand) == ${OPERAND_BYTES}, "operand");`)
    lines.push(`_Static_assert(sizeof cpu_models / sizeof cpu_models[0] == ${Object.keys(models).length}, "models");`)
    const includes = ['virtual-cpu.h', 'operations.h', 'cpu-models.h'].map(name => `#include "${name}"`)
    writeFileSync(source, [...includes, ...lines].join('\n'))
    execFileSync('gcc', [
      '-m32',
      '-ffreestanding',
      '-Wall',
      '-Werror',
      '-I',
      INCLUDE,
      '-c',
      source,
      '-o',
      join(folder, 'o'),
    ])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a field that does not exist has no address', () => {
  expect(() => virtualCpuAddress('nothing')).toThrow(RangeError)
  expect(() => virtualCpuAddress('eip', 1)).toThrow(RangeError)
  expect(virtualCpuAddress('registers', 7)).toBe(VIRTUAL_CPU + 28)
})

test('every class has a substitution that fits the room of its sites', () => {
  expect(SUBSTITUTIONS.map(({ number }) => number)).toEqual(SENSITIVE_CLASSES.map(({ number }) => number))
  for (const { number, form, inline, operation } of SUBSTITUTIONS) {
    const { room, name } = SENSITIVE_CLASSES.find(each => each.number === number)!
    // A direct far jump is seven bytes long and needs no room beside itself.
    const available = name === 'far_jump' ? 7 : room
    expect({ name, fits: FORM_BYTES[form] <= available }).toEqual({ name, fits: true })
    if (inline) expect(INLINE_FORMS[inline].bytes).toBeLessThanOrEqual(available)
    expect(OPERATIONS).toContain(operation)
  }
})
