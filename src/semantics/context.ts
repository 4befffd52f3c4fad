// What a semantics function works with: the IR builder, the instruction's form, its operands, registers and flags.
// Binding time is decided by the subclass: operands are constants in hot code and fields of a record in cold code.
// Rule for authors: everything that can fault comes first, registers and flags are written after it.

import { EIP, FLAGS, gprCell, SEG_BASE, STACK_MASK, segmentCell, ZERO } from '../cpu/layout.js'
import { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { CL, type Form, IMM, MEM, MM, REG, XMMREG } from '../isa/form.js'
import { Flags } from './flags.js'

/** Fields of a decoded instruction that semantics may ask for. */
export type Field =
  | 'dst'
  | 'src'
  | 'imm'
  | 'imm2'
  | 'base'
  | 'index'
  | 'scale'
  | 'disp'
  | 'segment'
  | 'addressMask'
  | 'eip'
  | 'next'
  | 'target'

/** Counting in translated code. */
export interface Repetition {
  /** How many instructions may retire without anybody being asked, signed. */
  room(): Value
  /** So many retire beside the one at hand. */
  retire(n: Value): void
}

export abstract class Context extends Builder {
  form!: Form
  readonly flags = new Flags(this)

  /** A field of the instruction; a constant where the binding is static. */
  abstract field(name: Field): Value

  // Registers. General registers are read zero-extended.
  /** Reads general register n; size 4 or 2, or 1 for AL CL DL BL AH CH DH BH in encoding order. */
  reg(n: number, size = 4): Value {
    return this.readCell(this.const(size === 1 && n > 3 ? gprCell(n - 4) + 1 : gprCell(n)), size)
  }
  setReg(n: number, size: number, v: Value) {
    this.writeCell(this.const(size === 1 && n > 3 ? gprCell(n - 4) + 1 : gprCell(n)), size, v)
  }
  /** Reads a cell of CPU state whose address is a value (a register operand). */
  readCell(address: Value, size: number): Value {
    const k = this.known(address)
    return k === undefined ? this.loadAt(address, 0, size) : this.loadAt(this.const(0), k, size)
  }
  writeCell(address: Value, size: number, v: Value) {
    const k = this.known(address)
    if (k === undefined) this.storeAt(address, 0, size, v)
    else this.storeAt(this.const(0), k, size, v)
  }
  /** Reads general register n sign-extended from `size` bytes. */
  signedReg(n: number, size: number): Value {
    return this.signed(this.reg(n, size), size)
  }
  /** Reads a fixed cell of cpu/layout.ts. */
  state(cell: number, size = 4): Value {
    return this.loadAt(this.const(0), cell, size)
  }
  setState(cell: number, v: Value, size = 4) {
    this.storeAt(this.const(0), cell, size, v)
  }

  /**
   * A value, or a test that may raise an exception, that cannot change before an instruction says forget() or ends the
   * block: hot code has it once. Not to be used where the value made in an arm of an `if` would leave it.
   */
  remembered(_name: string, make: () => Value): Value {
    return make()
  }
  /** Drops what is remembered under the name. */
  forget(_name: string) {}

  // Operands.
  private cellOf(i: number): Value {
    return this.field(i === 0 ? 'dst' : 'src')
  }
  /** Reads operand i: i32 zero-extended for 1, 2, 4 bytes; i64 for 8; v128 for 16. Immediates are sign-extended to the form's size, then cut to it. */
  read(i: number): Value {
    const { kind, size } = this.form.operands[i]!
    switch (kind) {
      case REG:
      case MM:
      case XMMREG:
        return this.readCell(this.cellOf(i), size)
      case MEM:
        return this.guestLoad(this.linear(this.offset(), size, false), size)
      case IMM:
        return this.mask(this.field('imm'), size)
      case CL:
        return this.reg(1, 1)
      default:
        return this.cellOf(i) // a register number (SREG, CREG, DREG, ST)
    }
  }
  /** Reads operand i before it is written: a fault is then reported as a write. */
  readForWrite(i: number): Value {
    const { kind, size } = this.form.operands[i]!
    if (kind !== MEM) return this.read(i)
    return this.guestLoad(this.linear(this.offset(), size, true), size, true)
  }
  /** Writes operand i, cutting the value to its size. */
  write(i: number, v: Value) {
    const { kind, size } = this.form.operands[i]!
    if (kind === MEM) this.guestStore(this.linear(this.offset(), size, true), size, v)
    else this.writeCell(this.cellOf(i), size, v)
  }
  /** Cuts an i32 value to `size` bytes, zero-extended. */
  mask(v: Value, size: number): Value {
    return size === 4 ? v : this.and(v, this.const(size === 1 ? 0xff : 0xffff))
  }
  /** Sign-extends the low `size` bytes of an i32. */
  signed(v: Value, size: number): Value {
    return size === 4 ? v : size === 1 ? this.extend8(v) : this.extend16(v)
  }
  /** Offset of the memory operand inside its segment (LEA): base + index * scale + displacement, cut to the address size. */
  offset(): Value {
    const base = this.addressCell('base')
    const index = this.addressCell('index')
    const scaled = this.known(index) === 0 ? index : this.shl(index, this.field('scale'))
    const sum = this.add(this.add(base, scaled), this.field('disp'))
    return this.form.flat && this.form.addressSize === 4 ? sum : this.and(sum, this.field('addressMask'))
  }
  private addressCell(name: 'base' | 'index'): Value {
    const cell = this.field(name)
    return this.known(cell) === ZERO ? this.const(0) : this.readCell(cell, 4)
  }
  /** Offset of a part of the memory operand, `bytes` behind its start: a part too wraps at the end of 16-bit addresses. */
  partOffset(start: Value, bytes: number): Value {
    const sum = this.add(start, this.const(bytes))
    return this.form.flat ? sum : this.and(sum, this.field('addressMask'))
  }
  /** Linear address of the memory operand's segment plus an offset, after the segment's limit and rights are checked. */
  linear(offset: Value, bytes: number, write: boolean): Value {
    if (this.form.flat) return offset
    return this.segmented(this.field('segment'), offset, bytes, write)
  }
  /** Linear address of `offset` in segment register n (ES 0 .. GS 5), checked: #SS(0) for SS, else #GP(0). */
  linearIn(n: number, offset: Value, bytes: number, write: boolean): Value {
    if (this.form.flat && n < 4) return offset
    return this.segmented(this.const(n), offset, bytes, write)
  }
  protected segmented(segment: Value, offset: Value, bytes: number, write: boolean): Value {
    return this.call(write ? 'segment_write' : 'segment_read', [segment, offset, this.const(bytes)], 1, true)
  }
  /** Base of segment register n, unchecked. */
  segmentBase(n: number): Value {
    return this.state(segmentCell(n, SEG_BASE))
  }

  // The stack.
  /** 0xffffffff or 0xffff by the size of SS. */
  stackMask(): Value {
    return this.form.flat ? this.const(-1) : this.state(STACK_MASK)
  }
  /** ESP + delta, wrapped as the size of SS says: an offset in SS. */
  stackOffset(delta: number): Value {
    return this.and(this.add(this.reg(4), this.const(delta)), this.stackMask())
  }
  /** Moves ESP by delta; with a 16-bit stack only SP changes. */
  moveStack(delta: number) {
    this.setStack(this.add(this.reg(4), this.const(delta)))
  }
  /** Makes `pointer` the stack pointer; with a 16-bit stack only SP changes. */
  setStack(pointer: Value) {
    this.setReg(4, 4, this.stackPointer(pointer))
  }
  /** What ESP becomes when the stack pointer is `pointer`: the upper half stays with a 16-bit stack. */
  stackPointer(pointer: Value): Value {
    if (this.form.flat) return pointer
    const mask = this.stackMask()
    return this.or(this.and(pointer, mask), this.and(this.reg(4), this.not(mask)))
  }
  /** Pushes a value of 2 or 4 bytes: stores first, then moves ESP. */
  push(v: Value, size: number) {
    this.guestStore(this.linearIn(2, this.stackOffset(-size), size, true), size, v)
    this.moveStack(-size)
  }
  /** Reads `size` bytes at stack offset ESP + delta without moving ESP. */
  peek(delta: number, size: number): Value {
    return this.guestLoad(this.linearIn(2, this.stackOffset(delta), size, false), size)
  }

  // Instruction pointer.
  /** Offset of the following instruction. */
  nextEip(): Value {
    return this.field('next')
  }
  /** Before a helper that looks at EIP: makes the EIP cell that of this instruction. */
  publishEip() {
    this.setState(EIP, this.field('eip'))
  }
  /** A part of an instruction that hardly ever runs: translated code leaves it, with the whole instruction, to the cold engine. */
  rare(arm: () => void) {
    arm()
  }
  /** How an instruction retires more than itself; undefined where BUDGET is the count. */
  readonly repetition: Repetition | undefined
  /** EFLAGS bits that are not arithmetic flags (cpu/layout.ts FLAGS). */
  systemFlags(): Value {
    return this.state(FLAGS)
  }
}

/** The meaning of one mnemonic, for all its forms. */
export type Semantics = (b: Context, form: Form) => void
