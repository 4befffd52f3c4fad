// Disassembly text by iced-x86, for traces, monitor, lockstep reports and inspect. The only import of iced-x86 in the
// product; it loads 0.8 MB of WebAssembly, so import this file dynamically where text is wanted, never at start-up.

import { Code, Decoder, DecoderOptions, FastFormatter, Instruction } from 'iced-x86'

/** What the emulated processors decode: no later instructions in the space of reserved NOPs, BSF and BSR for F3. */
export const decoderOptions =
  DecoderOptions.ForceReservedNop |
  DecoderOptions.NoPause |
  DecoderOptions.NoWbnoinvd |
  DecoderOptions.NoMPFX_0FBC |
  DecoderOptions.NoMPFX_0FBD

export interface Disassembly {
  /** Intel syntax; '(bad)' for what is no instruction. */
  readonly text: string
  /** Length in bytes. */
  readonly length: number
  /** iced's name of the encoding, such as 'Mov_r32_rm32'. */
  readonly code: string
}

const formatter = new FastFormatter()
const instruction = new Instruction()

/** Disassembles the instruction at the start of `bytes` (at most 15 are read), which lies at offset `address` of a
 * code segment of `bits` 16 or 32. */
export function disassemble(bytes: Uint8Array, address: number, bits: number): Disassembly {
  const decoder = new Decoder(bits, bytes.subarray(0, 15), decoderOptions)
  decoder.ip = BigInt(address >>> 0)
  decoder.decodeOut(instruction)
  decoder.free()
  const { code, length } = instruction
  return { text: formatter.format(instruction), length, code: Code[code]! }
}
