// Data movement between registers, memory and flags (SDM vol. 2: MOV, MOVZX, MOVSX, XCHG, LEA, BSWAP, CMOVcc, XLAT,
// CBW, CWDE, CWD, CDQ, LAHF, SAHF, SALC). MOV with segment, control and debug registers goes on to their own files.

import { EAX, EBX, EDX } from '../cpu/layout.js'
import { CREG, DREG, SREG } from '../isa/form.js'
import { conditions } from './branch.js'
import type { Context, Semantics } from './context.js'
import { loadSegmentFrom, storeSelector } from './segment-registers.js'
import { moveControl, moveDebug } from './system-registers.js'

const AH = 4

const mov: Semantics = (b, form) => {
  const [to, from] = form.operands
  if (to!.kind === SREG) return loadSegmentFrom(b, b.field('dst'), b.read(1))
  if (from!.kind === SREG) return storeSelector(b, b.field('src'))
  if (to!.kind === CREG || from!.kind === CREG) return moveControl(b, form)
  if (to!.kind === DREG || from!.kind === DREG) return moveDebug(b, form)
  b.write(0, b.read(1))
}

const cmov =
  (code: number): Semantics =>
  b => {
    const moved = b.read(1)
    b.write(0, b.select(b.flags.condition(code), moved, b.read(0)))
  }

/** Sign of AX or EAX spread over DX or EDX. */
const spread =
  (size: number): Semantics =>
  b =>
    b.setReg(EDX, size, b.shrs(b.signedReg(EAX, size), b.const(31)))

const xlat = (b: Context) => {
  const sum = b.add(b.reg(EBX), b.reg(EAX, 1))
  const offset = b.form.addressSize === 2 ? b.mask(sum, 2) : sum
  b.setReg(EAX, 1, b.guestLoad(b.linear(offset, 1, false), 1))
}

export const move: Record<string, Semantics> = {
  mov,
  movzx: b => b.write(0, b.read(1)),
  movsx: (b, form) => b.write(0, b.signed(b.read(1), form.operands[1]!.size)),
  xchg: b => {
    const x = b.readForWrite(0)
    const y = b.read(1)
    b.write(0, y)
    b.write(1, x)
  },
  lea: b => b.write(0, b.offset()),
  bswap: (b, form) => {
    if (form.size === 2) return b.write(0, b.const(0)) // undefined by the manual; what processors do
    const x = b.read(0)
    const high = b.and(b.rotl(x, b.const(8)), b.const(0x00ff00ff))
    b.write(0, b.or(high, b.and(b.rotr(x, b.const(8)), b.const(0xff00ff00))))
  },
  xlat,
  cbw: b => b.setReg(EAX, 2, b.signedReg(EAX, 1)),
  cwde: b => b.setReg(EAX, 4, b.signedReg(EAX, 2)),
  cwd: spread(2),
  cdq: spread(4),
  lahf: b => b.setReg(AH, 1, b.or(b.and(b.flags.word(), b.const(0xd5)), b.const(2))),
  sahf: b => {
    const overflow = b.shl(b.flags.of(), b.const(11))
    b.flags.setWord(b.or(b.and(b.reg(AH, 1), b.const(0xd5)), overflow))
  },
  salc: b => b.setReg(EAX, 1, b.neg(b.flags.cf())),
}
for (const [code, suffixes] of conditions.entries()) move[`cmov${suffixes}`] = cmov(code)
