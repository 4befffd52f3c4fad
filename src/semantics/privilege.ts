// Checks that system instructions share (SDM vol. 3, 5.9 privileged instructions; vol. 1, 19.5 I/O privilege level)
// and leaving translated code after a change of mode. Real mode has CPL 0, virtual-8086 mode CPL 3.

import { CPL, EIP, FLAGS, INTR, MODE } from '../cpu/layout.js'
import { STOP_NEXT, STOP_TRANSFER } from '../cpu/stops.js'
import type { Value } from '../ir/tape.js'
import type { Context } from './context.js'

export const UD = 6
export const GP = 13
export const FLAG_IF = 0x200
export const FLAG_VM = 0x20000

/** #GP(0) unless CPL is 0. */
export function privileged(b: Context) {
  b.if(b.state(CPL), () => b.raise(GP, b.const(0)))
}
/** 1 when CPL is above IOPL. */
export function aboveIopl(b: Context): Value {
  return b.gtu(b.state(CPL), b.and(b.shru(b.state(FLAGS), b.const(12)), b.const(3)))
}
/** 1 in virtual-8086 mode. */
export function virtual8086(b: Context): Value {
  return b.and(b.shru(b.state(FLAGS), b.const(17)), b.const(1))
}
/** Checks access to `size` ports from `port` on: below IOPL by the I/O permission bitmap. */
export function checkPort(b: Context, port: Value, size: number) {
  b.if(b.or(aboveIopl(b), virtual8086(b)), () => b.helper('check_io', [port, b.const(size)], true))
}
/** Leaves the engine after this instruction if an interrupt waits and IF is set. */
export function lookAtInterrupts(b: Context) {
  const open = b.and(b.shru(b.state(FLAGS), b.const(9)), b.state(INTR))
  b.if(b.and(open, b.const(1)), () => b.stop(STOP_NEXT))
}
/** Translations have changed: goes on at the next instruction as one that is jumped to. */
export function lookUpNext(b: Context) {
  b.setState(EIP, b.nextEip())
  b.stop(STOP_TRANSFER)
}
/** Runs `change` and leaves the engine after this instruction if that changed the mode of execution. */
export function watchingMode(b: Context, change: () => void) {
  const before = b.state(MODE)
  change()
  b.if(b.ne(before, b.state(MODE)), () => b.stop(STOP_NEXT))
}
