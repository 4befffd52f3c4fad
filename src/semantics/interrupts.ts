// Far transfers of control and software interrupts (SDM vol. 2: CALL JMP RET far, IRET, INT n INT3 INTO INT1, BOUND,
// SYSENTER SYSEXIT, UD). Segments, gates, task switches and frames are the helpers' work; they set EIP.

import { STOP_TRANSFER } from '../cpu/stops.js'
import type { Value } from '../ir/tape.js'
import { FAR } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { GP, privileged, UD } from './privilege.js'
import { readFarPointer } from './segment-registers.js'

const BR = 5
// Kinds of software interrupt, as the helper wants them.
const INT_N = 0
const INT_3 = 1
const INT_O = 2
const INT_1 = 3

/** A helper that sets EIP: it sees EIP and flags as they are at this instruction. `quick` is tried first. */
function transfer(b: Context, helper: string, args: Value[], quick?: () => Value) {
  b.publishEip()
  b.flags.publish()
  if (quick) b.if(b.eqz(quick()), () => b.helper(helper, args, true))
  else b.helper(helper, args, true)
  b.flags.reload()
  b.stop(STOP_TRANSFER)
}
function farTarget(b: Context): Value[] {
  const size = b.form.operandSize
  if (b.form.operands[0]!.kind === FAR) return [b.field('imm2'), b.field('imm'), b.const(size)]
  const { offset, selector } = readFarPointer(b, 0, size)
  return [selector, offset, b.const(size)]
}
const interrupt = (b: Context, vector: Value, kind: number) =>
  transfer(b, 'interrupt', [vector, b.const(kind), b.nextEip()])

/** Both bounds are signed; they lie behind each other in memory. */
const bound: Semantics = (b, { operandSize: size }) => {
  const index = b.signed(b.read(0), size)
  const at = b.offset()
  b.if(b.lts(index, b.signed(b.guestLoad(b.linear(at, size, false), size), size)), () => b.raise(BR))
  const upper = b.signed(b.guestLoad(b.linear(b.partOffset(at, size), size, false), size), size)
  b.if(b.gts(index, upper), () => b.raise(BR))
}

export const interrupts: Record<string, Semantics> = {
  jmpf: b => transfer(b, 'far_jump', [...farTarget(b), b.nextEip()]),
  callf: b => transfer(b, 'far_call', [...farTarget(b), b.nextEip()]),
  retf: (b, form) =>
    transfer(b, 'far_return', [b.const(form.operandSize), form.operands.length ? b.read(0) : b.const(0)]),
  iret: (b, form) => {
    const quick = form.operandSize === 4 ? () => b.call('iret_quick', []) : undefined
    transfer(b, 'iret', [b.const(form.operandSize), b.nextEip()], quick)
  },
  int: b => {
    const vector = b.read(0)
    const next = b.nextEip()
    transfer(b, 'interrupt', [vector, b.const(INT_N), next], () => b.call('interrupt_quick', [vector, next]))
  },
  int3: b => interrupt(b, b.const(3), INT_3),
  int1: b => interrupt(b, b.const(1), INT_1),
  into: b => b.if(b.flags.of(), () => interrupt(b, b.const(4), INT_O)),
  bound,
  sysenter: b => transfer(b, 'sysenter', [b.nextEip()]),
  sysexit: b => {
    privileged(b)
    transfer(b, 'sysexit', [])
  },
  ud: b => b.raise(UD),
  /** What an instruction of more than 15 bytes is. */
  gp: b => b.raise(GP, b.const(0)),
}
