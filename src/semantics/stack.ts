// The stack (SDM vol. 2: PUSH, POP, PUSHA, POPA, ENTER, LEAVE). ESP moves only after everything that can fault.
// Segment registers are pushed by a 16-bit store into a slot of the operand size, as processors from the 80386 on do.

import { EBP, ESP, gprCell, SS } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import { IMM, MEM, SREG } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { IMAGE, isI386 } from './i386.js'
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

/** Stores EAX first; an 80386 goes the other way, and a fault leaves what has been stored. */
const pusha: Semantics = (b, { operandSize: size, flat }) => {
  const esp = b.reg(ESP)
  const store = (order: readonly number[]) => {
    for (const i of order)
      b.guestStore(stackAt(b, b.sub(esp, b.const(size * (8 - i))), size, true), size, b.reg(IMAGE[i]!, size))
  }
  const upwards = [0, 1, 2, 3, 4, 5, 6, 7]
  const downwards = upwards.toReversed()
  if (flat) store(downwards)
  else
    b.if(
      isI386(b),
      () => store(upwards),
      () => store(downwards),
    )
  b.moveStack(-8 * size)
}
const popa: Semantics = (b, { operandSize: size, flat }) => {
  const load = (n: number, v: Value) => {
    if (n !== ESP) b.setReg(n, size, v)
  }
  const atOnce = () => {
    const values = IMAGE.map((_, i) => b.peek(size * i, size))
    for (const [i, n] of IMAGE.entries()) load(n, values[i]!)
    b.moveStack(8 * size)
  }
  // An 80386 loads one by one, so that a fault leaves some loaded; of the image of ESP it takes what SP does not cover.
  const oneByOne = () => {
    const values = IMAGE.map((n, i) => {
      const v = b.peek(size * i, size)
      load(n, v)
      return v
    })
    b.moveStack(8 * size)
    if (size === 2) return
    const covered = b.stackMask()
    const rest = b.and(values[3]!, b.not(covered))
    b.setReg(ESP, 4, b.or(rest, b.and(b.reg(ESP), covered)))
  }
  if (flat) atOnce()
  else b.if(isI386(b), oneByOne, atOnce)
}

/** ENTER touches the new top of the stack for writing, so that it faults there before anything has changed; an 80386 does not. */
const enter: Semantics = (b, { operandSize: size, flat }) => {
  const bytes = b.field('imm')
  const level = b.and(b.field('imm2'), b.const(31))
  const step = b.const(size)
  const pushed = b.stackPointer(b.sub(b.reg(ESP), step))
  const frame = flat ? pushed : b.select(isI386(b), b.and(pushed, b.stackMask()), pushed)
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
  const touch = () => {
    b.guestLoad(stackAt(b, top, size, true), size, true)
  }
  if (flat) touch()
  else b.if(b.eqz(isI386(b)), touch)
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
