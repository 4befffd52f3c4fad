// Ports, model-specific registers, caches and waiting (SDM vol. 2: IN OUT, CPUID RDTSC RDMSR WRMSR RDPMC, HLT, INVLPG
// INVD WBINVD, NOP and its kin). Every port access may read or change virtual time, so helpers find BUDGET up to date.

import { EAX } from '../cpu/layout.js'
import { STOP_NEXT } from '../cpu/stops.js'
import { IMM } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { checkPort, lookAtInterrupts, lookUpNext, privileged } from './privilege.js'
import { baseOf } from './segments.js'

const portOf = (b: Context, operand: number) =>
  b.form.operands[operand]!.kind === IMM ? b.and(b.field('imm'), b.const(0xff)) : b.reg(2, 2)

const input: Semantics = (b, form) => {
  const { size } = form.operands[0]!
  const port = portOf(b, 1)
  checkPort(b, port, size)
  b.setReg(EAX, size, b.helper('in', [port, b.const(size)], true))
  lookAtInterrupts(b)
}
const output: Semantics = (b, form) => {
  const { size } = form.operands[1]!
  const port = portOf(b, 0)
  checkPort(b, port, size)
  b.helper('out', [port, b.const(size), b.reg(EAX, size)], true)
  b.stop(STOP_NEXT)
}

/** A helper that works on the general registers. */
const onRegisters =
  (helper: string, guard?: (b: Context) => void, leaves = false): Semantics =>
  b => {
    guard?.(b)
    b.helper(helper, [], true)
    if (leaves) b.stop(STOP_NEXT)
  }
const nothing: Semantics = () => undefined

export const system: Record<string, Semantics> = {
  in: input,
  out: output,
  cpuid: onRegisters('cpuid'),
  rdtsc: onRegisters('rdtsc'),
  rdpmc: onRegisters('rdpmc'),
  rdmsr: onRegisters('rdmsr', privileged),
  wrmsr: onRegisters('wrmsr', privileged, true),
  invd: onRegisters('wbinvd', privileged),
  wbinvd: onRegisters('wbinvd', privileged),
  hlt: b => {
    privileged(b)
    b.publishEip()
    b.helper('hlt', [], true)
    b.stop(STOP_NEXT)
  },
  // The address is translated like any other but never accessed, so its segment is not checked.
  invlpg: b => {
    privileged(b)
    const base = b.form.flat ? b.const(0) : baseOf(b, b.field('segment'))
    const linear = b.add(base, b.offset())
    const done = b.call('invalidate_quick', [linear])
    b.if(b.eqz(done), () => b.helper('invlpg', [linear], true))
    lookUpNext(b)
  },
  nop: nothing,
  clflush: b => {
    b.guestLoad(b.linear(b.offset(), 1, false), 1)
  },
  lfence: nothing,
  mfence: nothing,
  sfence: nothing,
}
