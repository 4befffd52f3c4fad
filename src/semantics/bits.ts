// Bit tests and scans (SDM vol. 2: BT, BTS, BTR, BTC, BSF, BSR). A register bit offset on memory reaches beyond the
// operand, in both directions. Scans of 0 leave the destination alone, as processors do.

import type { Value } from '../ir/tape.js'
import { MEM, REG } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { LOGIC } from './flags.js'
import { bitTestOverflow, isI386, scanFlags } from './i386.js'

/** Tests a bit and, with `change`, stores the operand with what `change` makes of it and the bit's mask. */
const test =
  (change?: (b: Context, x: Value, mask: Value) => Value): Semantics =>
  (b, { size, operands, flat }) => {
    const write = change !== undefined
    const position = b.read(1)
    const inBits = b.and(position, b.const(8 * size - 1))
    let linear: Value | undefined
    let x: Value
    if (operands[0]!.kind === MEM && operands[1]!.kind === REG) {
      const units = b.shrs(b.signed(position, size), b.const(size === 4 ? 5 : 4))
      const offset = b.add(b.offset(), b.mul(units, b.const(size)))
      linear = b.linear(flat ? offset : b.and(offset, b.field('addressMask')), size, write)
      x = b.guestLoad(linear, size, write)
    } else x = write ? b.readForWrite(0) : b.read(0)
    if (change) {
      const result = change(b, x, b.shl(b.const(1), inBits))
      if (linear === undefined) b.write(0, result)
      else b.guestStore(linear, size, b.mask(result, size))
    }
    const cf = b.and(b.shru(x, inBits), b.const(1))
    const old = isI386(b)
    if (flat || b.known(old) === 0) return b.flags.setCarry(cf)
    const of = b.select(old, bitTestOverflow(b, x, inBits, size), b.flags.of())
    b.flags.setCarryOverflowIf(b.const(1), cf, of)
  }

const scan =
  (up: boolean): Semantics =>
  (b, { size, flat }) => {
    const x = b.read(1)
    const index = up ? b.op('i32.ctz', x) : b.sub(b.const(31), b.op('i32.clz', x))
    b.write(0, b.select(x, index, b.read(0)))
    const flags = () => b.flags.set(LOGIC, size, x, x, x)
    if (flat) return flags()
    const old = isI386(b)
    if (b.known(old) === 0) return flags()
    b.if(old, () => b.flags.setWord(scanFlags(b, x, size, up)), flags)
    b.flags.reload()
  }

export const bits: Record<string, Semantics> = {
  bt: test(),
  bts: test((b, x, mask) => b.or(x, mask)),
  btr: test((b, x, mask) => b.and(x, b.not(mask))),
  btc: test((b, x, mask) => b.xor(x, mask)),
  bsf: scan(true),
  bsr: scan(false),
}
