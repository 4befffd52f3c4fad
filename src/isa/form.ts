// A form: all that is known of an instruction before its registers, immediates and addresses are. Every engine has
// one handler (or one piece of generated code) for each form; forms are numbered in forms.ts.

// Kinds of operand.
export const REG = 1 // general register; the field holds the address of its cell (cpu/layout.ts)
export const MEM = 2
export const IMM = 3 // sign-extended to the operand size by the decoder
export const CL = 4 // the count register of shifts
export const SREG = 5 // field: register number 0-5
export const CREG = 6 // control register, field: number
export const DREG = 7 // debug register, field: number
export const ST = 8 // x87 stack register, field: i of ST(i)
export const MM = 9 // field: address of the cell
export const XMMREG = 10 // field: address of the cell
export const REL = 11 // direct near branch; target() has the offset
export const FAR = 12 // ptr16:16 or ptr16:32; imm = offset, imm2 = selector

export interface Operand {
  readonly kind: number
  /** Bytes: 1, 2, 4, 6 (m16:32), 8, 10, 16, or what a wider structure has (28, 108, 512). */
  readonly size: number
}

export interface Form {
  /** Position in the list of forms. */
  readonly id: number
  /** Lower-case mnemonic as Intel's manual has it; string instructions carry no size suffix (movs, stos, ins). */
  readonly mnemonic: string
  readonly operands: readonly Operand[]
  /** Operand size in bytes of what the instruction works on (1, 2 or 4 for integer code). */
  readonly size: number
  /** Effective operand-size attribute, 2 or 4: pushes, near branches, far transfers, IRET. */
  readonly operandSize: number
  /** Effective address-size attribute, 2 or 4. */
  readonly addressSize: number
  /** '', 'rep' (F3) or 'repne' (F2); only where the prefix has that meaning. */
  readonly rep: '' | 'rep' | 'repne'
  /** Flat: CS, DS, ES and SS have base 0 and no limit to check, SS is 32 bits wide, and the memory operand does not use FS or GS. */
  readonly flat: boolean
}
