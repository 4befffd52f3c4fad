// The filter x86 of xz and 7-Zip, backwards: the operands of CALL and JMP (E8, E9), which were made absolute so that they are
// alike, become relative again. What looks like an operand of another instruction just before is passed over, by rules that
// the format fixes.

const INSTRUCTION_BYTES = 5
/** By which of the last three bytes were opcodes, newest in bit 0: whether an operand may begin here. */
const ALLOWED = [true, true, true, false, true, false, false, false]
/** And which byte of it the oldest of them reaches. */
const REACHED = [0, 1, 2, 2, 3, 3, 3, 3]

const isExtension = (byte: number) => byte === 0 || byte === 0xff

/** Changes all of a block in place. */
export function relativeCalls(data: Uint8Array) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  let last = -1
  let recent = 0
  for (let at = 0; at + INSTRUCTION_BYTES <= data.length; at++) {
    if ((data[at]! & 0xfe) !== 0xe8) continue
    const since = at - last
    last = at
    recent = since > 3 ? 0 : (recent << (since - 1)) & 7
    const isOperand = recent === 0 || (ALLOWED[recent]! && !isExtension(data[at + 4 - REACHED[recent]!]!))
    if (!isOperand || !isExtension(data[at + 4]!)) {
      recent = (recent << 1) | 1
      continue
    }
    const end = at + INSTRUCTION_BYTES
    let value = view.getUint32(at + 1, true)
    let relative = (value - end) | 0
    if (recent !== 0) {
      const bits = REACHED[recent]! * 8
      while (isExtension((relative >>> (24 - bits)) & 0xff)) {
        value = (relative ^ (2 ** (32 - bits) - 1)) >>> 0
        relative = (value - end) | 0
      }
    }
    // 25 bits, with sign.
    view.setInt32(at + 1, (relative << 7) >> 7, true)
    at += INSTRUCTION_BYTES - 1
  }
}
