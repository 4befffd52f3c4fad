// The inline operations: one instruction on the virtual-CPU page that changes no flag. Each declines operands that it
// does not cover; then the site is a call.
import type { InlineForm } from '../isa/substitutions.js'
import { MEMORY, OPERAND_16, type Operand } from './operand.js'
import { SEGMENTS, virtualCpuAddress } from './virtual-cpu.js'

const little = (value: number) => [0, 8, 16, 24].map(shift => (value >>> shift) & 0xff)
/** ModRM of a register and a 32-bit displacement without base. */
const absolute = (register: number) => (register << 3) | 5

const OUT_BYTE = 0xe6
const POST = 0x80
const NOP = 0x90

const FORMS: Readonly<Record<InlineForm, (operand: Operand) => number[] | undefined>> = {
  'clear-if': () => [0xc6, 0x05, ...little(virtualCpuAddress('interrupt_flag')), 0],
  'load-control': ({ reg, rm }) =>
    reg > 4 || reg === 1 ? undefined : [0x8b, absolute(rm), ...little(virtualCpuAddress('cr', reg))],
  'load-selector': ({ reg, rm, flags }) => {
    if (rm >= MEMORY || reg >= SEGMENTS.length - 2) return undefined
    const move = [0x8b, absolute(rm), ...little(virtualCpuAddress('selectors', reg))]
    return (flags & OPERAND_16) !== 0 ? [0x66, ...move] : move
  },
  'push-selector': ({ reg, flags }) =>
    (flags & OPERAND_16) !== 0 ? undefined : [0xff, 0x35, ...little(virtualCpuAddress('selectors', reg))],
  'drop-post': ({ opcode, immediate }) => (opcode === OUT_BYTE && (immediate & 0xff) === POST ? [NOP] : undefined),
}

/** The instruction, or undefined where the form declines the operand. */
export function inlineOperation(form: InlineForm, operand: Operand): number[] | undefined {
  return FORMS[form](operand)
}
