// What must be known of mnemonics beyond their operands (SDM vol. 2).

export const SIZED = 1 // the operand-size attribute matters beyond the sizes of the operands
export const TOUCHES = 2 // uses memory, the stack or CS without a memory operand that shows it
export const BY_ADDRESS = 4 // the address-size attribute matters without a memory operand that shows it
export const IMPLICIT = 8 // of a size that no operand shows
export const REPEATS = 16 // F3 repeats, and so does F2
export const COMPARES = 32 // F2 repeats while not equal
export const LOCKS = 64 // may have LOCK when the destination is in memory

const conditionalJumps = 'jo jno jb jae je jne jbe ja js jns jp jnp jl jge jle jg'
const traits = new Map<string, number>()
for (const [bits, mnemonics] of [
  [SIZED | TOUCHES, `call jmp ret push pop pusha popa pushf popf enter leave ${conditionalJumps}`],
  [SIZED | TOUCHES | BY_ADDRESS, 'loop loope loopne jecxz'],
  [SIZED, 'iret callf jmpf retf sgdt sidt lgdt lidt fldenv fnstenv fnsave frstor'],
  [TOUCHES | BY_ADDRESS | IMPLICIT | REPEATS, 'movs stos lods ins outs'],
  [TOUCHES | BY_ADDRESS | IMPLICIT | REPEATS | COMPARES, 'cmps scas'],
  [TOUCHES | BY_ADDRESS | IMPLICIT, 'xlat'],
  [TOUCHES | BY_ADDRESS, 'maskmovq maskmovdqu'],
  [LOCKS, 'add or adc sbb and sub xor inc dec neg not bts btr btc xadd cmpxchg cmpxchg8b xchg'],
] as const)
  for (const mnemonic of mnemonics.split(' ')) traits.set(mnemonic, bits)

/** The properties above that a mnemonic has, as bits. */
export const traitsOf = (mnemonic: string) => traits.get(mnemonic) ?? 0
