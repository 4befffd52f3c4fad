// The old format of lz4 files, in which Linux packs itself (lz4_Frame_format.md, legacy frame; lz4_Block_format.md).

import { Output } from './output.js'

const MAGIC = 0x184c2102
const SHORTEST_MATCH = 4
const LONG = 15

/** True for the beginning of such a file. */
export function isLz4(bytes: Uint8Array): boolean {
  return bytes.length > 8 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === MAGIC
}

/** Unpacks a file: blocks, each with its size. Less than a block at the end is not looked at. @throws Error for damaged data */
export function unpackLz4(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  const out = new Output()
  for (let at = 4; at + 4 < input.length; ) {
    const bytes = view.getUint32(at, true)
    if (at + 4 + bytes > input.length) throw new Error('a block goes over the end')
    unpackBlock(input.subarray(at + 4, at + 4 + bytes), out)
    at += 4 + bytes
  }
  return out.whole
}

function unpackBlock(input: Uint8Array, out: Output) {
  const from = out.length
  let at = 0
  const more = (count: number) => {
    let sum = count
    if (count === LONG)
      for (let byte = 255; byte === 255; ) {
        byte = input[at++] ?? 0
        sum += byte
      }
    return sum
  }
  while (at < input.length) {
    const token = input[at++]!
    const literals = more(token >>> 4)
    if (at + literals > input.length) throw new Error('the data ends too early')
    out.append(input.subarray(at, at + literals))
    at += literals
    if (at >= input.length) return
    const distance = input[at]! | (input[at + 1]! << 8)
    at += 2
    out.repeat(distance, more(token & LONG) + SHORTEST_MATCH, from)
  }
}
