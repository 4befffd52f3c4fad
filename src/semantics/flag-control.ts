// Flags as a whole and one by one (SDM vol. 2: PUSHF POPF CLC STC CMC CLD STD CLI STI). CLI, STI, PUSHF and the usual
// POPF are done in place; a helper decides where IOPL, virtual-8086 mode or a trap flag come in.

import { BUDGET, FLAGS, SHADOW, SHADOW_KIND, SLICE_END } from '../cpu/layout.js'
import { STOP_NEXT } from '../cpu/stops.js'
import type { Semantics } from './context.js'
import { aboveIopl, FLAG_IF, FLAG_VM, lookAtInterrupts } from './privilege.js'

const FLAG_DF = 0x400
const FLAG_RF = 0x10000
/** TF, IOPL, NT, AC and ID: changing one of them is the helper's work. */
const UNUSUAL = 0x247100
const SHADOW_STI = 1

const pushf: Semantics = (b, { operandSize }) => {
  const flags = b.systemFlags()
  // VM set with IOPL below 3, in one comparison.
  const forbidden = b.ltu(b.sub(b.and(flags, b.const(0x23000)), b.const(FLAG_VM)), b.const(0x3000))
  b.if(forbidden, () => b.rare(() => b.helper('pushf_allowed', [], true)))
  const word = b.or(b.and(flags, b.const(~(FLAG_VM | FLAG_RF))), b.flags.word())
  b.push(b.mask(word, operandSize), operandSize)
}

const popf: Semantics = (b, { operandSize }) => {
  const word = b.peek(0, operandSize)
  const flags = b.systemFlags()
  const changed = b.mask(b.xor(word, flags), operandSize)
  const usual = b.and(changed, b.const(FLAG_IF | FLAG_DF))
  const unusual = b.or(b.and(changed, b.const(UNUSUAL)), b.and(flags, b.const(FLAG_VM)))
  const masked = b.and(b.ne(b.and(usual, b.const(FLAG_IF)), b.const(0)), aboveIopl(b))
  b.if(b.or(b.ne(unusual, b.const(0)), masked), () =>
    b.rare(() => {
      b.flags.publish()
      b.helper('popf', [word, b.const(operandSize)], true)
      b.flags.reload()
      b.moveStack(operandSize)
      b.stop(STOP_NEXT)
    }),
  )
  b.setState(FLAGS, b.xor(flags, usual))
  b.moveStack(operandSize)
  b.flags.setWord(word)
  lookAtInterrupts(b)
}

const cli: Semantics = b =>
  b.if(
    aboveIopl(b),
    () => b.rare(() => b.helper('cli', [], true)),
    () => b.setState(FLAGS, b.and(b.systemFlags(), b.const(~FLAG_IF))),
  )

const sti: Semantics = b => {
  b.if(
    aboveIopl(b),
    () => b.rare(() => b.helper('sti', [], true)),
    () => {
      const flags = b.systemFlags()
      b.if(b.eqz(b.and(flags, b.const(FLAG_IF))), () => {
        b.setState(FLAGS, b.or(flags, b.const(FLAG_IF)))
        b.setState(SHADOW, b.add(b.sub(b.state(SLICE_END), b.state(BUDGET)), b.const(1)))
        b.setState(SHADOW_KIND, b.const(SHADOW_STI))
      })
    },
  )
  lookAtInterrupts(b)
}

export const flagControl: Record<string, Semantics> = {
  pushf,
  popf,
  cli,
  sti,
  clc: b => b.flags.setCarry(b.const(0)),
  stc: b => b.flags.setCarry(b.const(1)),
  cmc: b => b.flags.setCarry(b.xor(b.flags.cf(), b.const(1))),
  cld: b => b.setState(FLAGS, b.and(b.systemFlags(), b.const(~FLAG_DF))),
  std: b => b.setState(FLAGS, b.or(b.systemFlags(), b.const(FLAG_DF))),
}
