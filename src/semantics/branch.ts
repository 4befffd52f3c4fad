// Near control transfers and conditions (SDM vol. 2: Jcc, JMP, CALL, RET near, LOOP, LOOPcc, JECXZ, SETcc).
// With 16-bit operand size the decoder has cut direct targets to 16 bits; a target beyond CS's limit is #GP(0).

import { CS, ECX, ESP, SEG_LIMIT, SS, segmentCell } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import { REL } from '../isa/form.js'
import type { Context, Semantics } from './context.js'

/** Suffixes of the sixteen conditions in encoding order. */
export const conditions = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g']

const GP = 13

/** #GP(0) unless the offset lies within CS. */
function checkTarget(b: Context, offset: Value) {
  if (b.form.flat) return
  b.if(b.gtu(offset, b.state(segmentCell(CS, SEG_LIMIT))), () => b.raise(GP, b.const(0)))
}
function jumpDirect(b: Context) {
  checkTarget(b, b.field('target'))
  b.jumpToTarget()
}

const jump: Semantics = (b, form) => {
  if (form.operands[0]!.kind === REL) return jumpDirect(b)
  const offset = b.read(0)
  checkTarget(b, offset)
  b.jump(offset)
}

const call: Semantics = (b, form) => {
  const size = form.operandSize
  const direct = form.operands[0]!.kind === REL
  const offset = direct ? b.field('target') : b.read(0)
  // Processors store the return address before they look at the target.
  b.guestStore(b.linearIn(SS, b.stackOffset(-size), size, true), size, b.mask(b.nextEip(), size))
  checkTarget(b, offset)
  b.moveStack(-size)
  if (direct) b.jumpToTarget()
  else b.jump(offset)
}

const ret: Semantics = (b, form) => {
  const size = form.operandSize
  const offset = b.peek(0, size)
  checkTarget(b, offset)
  const released = form.operands.length ? b.add(b.read(0), b.const(size)) : b.const(size)
  b.setStack(b.add(b.reg(ESP), released))
  b.jump(offset)
}

/** LOOP and its kin: counts ECX (CX with 16-bit addresses) down without flags; `also` is a further condition. */
const loop =
  (also?: (b: Context) => Value): Semantics =>
  (b, form) => {
    const size = form.addressSize
    const count = b.mask(b.sub(b.reg(ECX, size), b.const(1)), size)
    const more = b.ne(count, b.const(0))
    const taken = also ? b.and(more, also(b)) : more
    if (!form.flat) b.if(taken, () => checkTarget(b, b.field('target')))
    b.setReg(ECX, size, count)
    b.if(taken, () => b.jumpToTarget())
  }

export const branch: Record<string, Semantics> = {
  jmp: jump,
  call,
  ret,
  loop: loop(),
  loope: loop(b => b.flags.zf()),
  loopne: loop(b => b.eqz(b.flags.zf())),
  jecxz: (b, form) => b.if(b.eqz(b.reg(ECX, form.addressSize)), () => jumpDirect(b)),
}
for (const [code, suffix] of conditions.entries()) {
  branch[`j${suffix}`] = b => b.if(b.flags.condition(code), () => jumpDirect(b))
  branch[`set${suffix}`] = b => b.write(0, b.flags.condition(code))
}
