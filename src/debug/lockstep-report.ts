// The report of a lockstep difference: count, place, instruction, and both states with the differing fields marked.

import type { Difference, Place } from './lockstep.js'

const HEX_WIDTH = 8
const CODE_WIDTH = 21
/** Fields that are shown when they are equal too. */
const ALWAYS = /^(?:e..|eip|eflags|cr\d|mode|[c-gs]s\.selector)$/

/** The text of a difference, lines separated by newlines, without one at the end. */
export async function lockstepReport(difference: Difference): Promise<string> {
  const { engines, equalAt, length, path, seed, thresholds, before, after, memory } = difference
  const differing = new Set(difference.fields.map(field => field.name))
  const { hot, batch, urgent } = thresholds
  const lines = [
    `lockstep: ${engines[0]} and ${engines[1]} differ, seed ${seed}, thresholds ${hot}/${batch}/${urgent}`,
    `last equal after ${equalAt} instructions, ${length === 1 ? 'before' : `different ${length} instructions later; not one by one, but in a run of translated code`}`,
    ...(await listing(path, before.get('cs.selector')!.slice(-4))),
    ...(path.length < length ? [`  ... and ${length - path.length} more`] : []),
    row(' ', 'field', 'before', engines[0], engines[1]),
  ]
  for (const [name, value] of before) {
    const values = [after[0].get(name)!, after[1].get(name)!]
    if (!differing.has(name) && !ALWAYS.test(name)) continue
    lines.push(row(differing.has(name) ? '*' : ' ', name, value, values[0]!, values[1]!))
  }
  for (const { physical, values } of memory)
    lines.push(row('*', `[${hex(physical, HEX_WIDTH)}]`, '', hex(values[0], 2), hex(values[1], 2)))
  return lines.join('\n')
}

async function listing(path: readonly Place[], selector: string): Promise<string[]> {
  const { disassemble } = await import('../isa/iced.js')
  return path.map(({ eip, bits, bytes }) => {
    const decoded = bytes.length > 0 ? disassemble(bytes, eip, bits) : { text: '(not mapped)', length: 0 }
    const code = Array.from(bytes.subarray(0, decoded.length), byte => hex(byte, 2)).join(' ')
    return `  ${selector}:${hex(eip, HEX_WIDTH)}  ${code.padEnd(CODE_WIDTH)}  ${decoded.text}`
  })
}

const hex = (n: number, digits: number) => n.toString(16).padStart(digits, '0')
const row = (mark: string, ...cells: string[]) =>
  `${mark} ${cells.map((cell, i) => cell.padEnd(i === 0 ? 14 : 20)).join(' ')}`.trimEnd()
