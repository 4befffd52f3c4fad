// The stack (SDM vol. 2: PUSH, POP, PUSHA, POPA, ENTER, LEAVE). ESP moves only after everything that can fault.
// Segment registers are pushed by a 16-bit store into a slot of the operand size, as processors from the 80386 on do.

import { EAX, EBP, EBX, ECX, EDI, EDX, ESI, ESP, GENERATION, gprCell, SS } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import { IMM, MEM, SREG } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { loadSegment, selectorOf } from './segment-registers.js'

/** Linear address of `bytes` bytes at stack pointer `pointer`, wrapped and checked. */
function stackAt(b: Context, pointer: Value, bytes: number, write: boolean): Value {
  return b.linearIn(SS, b.and(pointer, b.stackMask()), bytes, write)
}

const push: Semantics = (b, form) => {
  const size = form.operandSize
  const { kind } = form.operands[0]!
  if (kind === SREG) {
    b.guestStore(stackAt(b, b.sub(b.reg(ESP), b.const(size)), 2, true), 2, selectorOf(b, b.field('dst')))
    return b.moveStack(-size)
  }
  b.push(kind === IMM ? b.mask(b.field('imm'), size) : b.read(0), size)
}

const pop: Semantics = (b, form) => {
  const size = form.operandSize
  const { kind } = form.operands[0]!
  if (kind === SREG) {
    const selector = b.peek(0, 2)
    // The pointer moves by the width of the stack it was popped from.
    const moved = b.stackPointer(b.add(b.reg(ESP), b.const(size)))
    return loadSegment(b, b.field('dst'), selector, () => b.setReg(ESP, 4, moved))
  }
  const v = b.peek(0, size)
  if (kind !== MEM) {
    b.moveStack(size)
    return b.write(0, v)
  }
  b.guestStore(b.linear(offsetAfterPop(b, size), size, true), size, v)
  b.moveStack(size)
}
/** The memory operand's offset with ESP as it is after the pop. Nothing can fault while ESP is lent. */
function offsetAfterPop(b: Context, size: number): Value {
  const base = b.known(b.field('base'))
  if (base !== undefined && base !== gprCell(ESP)) return b.offset()
  const esp = b.reg(ESP)
  b.moveStack(size)
  const offset = b.offset()
  b.setReg(ESP, 4, esp)
  return offset
}

const pusha: Semantics = (b, { operandSize: size }) => {
  const esp = b.reg(ESP)
  for (const [i, n] of [EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI].entries())
    b.guestStore(stackAt(b, b.sub(esp, b.const(size * (i + 1))), size, true), size, b.reg(n, size))
  b.moveStack(-8 * size)
}
const popa: Semantics = (b, { operandSize: size }) => {
  const registers = [EDI, ESI, EBP, ESP, EBX, EDX, ECX, EAX]
  const values = registers.map((_, i) => b.peek(size * i, size))
  for (const [i, n] of registers.entries()) if (n !== ESP) b.setReg(n, size, values[i]!)
  b.moveStack(8 * size)
  // An 80386 with a 16-bit stack takes the upper half of ESP from the image.
  if (size === 4 && !b.form.flat)
    b.if(b.and(b.eq(b.state(GENERATION), b.const(3)), b.ne(b.stackMask(), b.const(-1))), () => {
      b.setReg(ESP, 4, b.or(b.and(values[3]!, b.const(0xffff0000)), b.reg(ESP, 2)))
    })
}

/** ENTER touches the new top of the stack for writing, so that it faults there before anything has changed. */
const enter: Semantics = (b, { operandSize: size }) => {
  const bytes = b.field('imm')
  const level = b.and(b.field('imm2'), b.const(31))
  const step = b.const(size)
  const frame = b.stackPointer(b.sub(b.reg(ESP), step))
  b.guestStore(stackAt(b, frame, size, true), size, b.reg(EBP, size))
  const pointer = b.variable(frame)
  b.if(level, () => {
    const left = b.variable(b.sub(level, b.const(1)))
    const display = b.variable(b.reg(EBP))
    b.loop(() => {
      b.breakIf(b.eqz(b.get(left)))
      b.set(display, b.sub(b.get(display), step))
      const v = b.guestLoad(stackAt(b, b.get(display), size, false), size)
      b.set(pointer, b.sub(b.get(pointer), step))
      b.guestStore(stackAt(b, b.get(pointer), size, true), size, v)
      b.set(left, b.sub(b.get(left), b.const(1)))
    })
    b.set(pointer, b.sub(b.get(pointer), step))
    b.guestStore(stackAt(b, b.get(pointer), size, true), size, b.mask(frame, size))
  })
  const top = b.sub(b.get(pointer), bytes)
  b.guestLoad(stackAt(b, top, size, true), size, true)
  b.setStack(top)
  b.setReg(EBP, size, frame)
}

const leave: Semantics = (b, { operandSize: size }) => {
  const ebp = b.reg(EBP)
  const saved = b.guestLoad(stackAt(b, ebp, size, false), size)
  b.setStack(b.add(ebp, b.const(size)))
  b.setReg(EBP, size, saved)
}

export const stack: Record<string, Semantics> = { push, pop, pusha, popa, enter, leave }
