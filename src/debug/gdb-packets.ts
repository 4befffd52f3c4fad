// The framing of the gdb remote serial protocol (gdb manual, appendix E.1): $data#checksum packets with escapes and
// run-length encoding, acknowledgements, and the interrupt byte. Knows nothing of what packets mean.

/** What arrived: a whole packet, an acknowledgement, the interrupt character, or a packet whose checksum is wrong. */
export type GdbEvent =
  | { readonly kind: 'packet'; readonly data: Uint8Array }
  | { readonly kind: 'acknowledged' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'damaged' }

const DOLLAR = 0x24
const HASH = 0x23
const ESCAPE = 0x7d
const STAR = 0x2a
const PLUS = 0x2b
const MINUS = 0x2d
const INTERRUPT = 0x03
const ESCAPE_FLIP = 0x20
const REPEAT_BIAS = 29
/** Longest packet that is accepted, in bytes; what follows is dropped and the packet counts as damaged. */
export const PACKET_BYTES_MAX = 0x10000

/** Takes the bytes of a connection in pieces of any size and gives what they contain. */
export class GdbPacketReader {
  private body: number[] | undefined
  private trailer: number[] | undefined

  /** The events that `bytes` complete, in order. Bytes outside packets that mean nothing are skipped. */
  push(bytes: Uint8Array): GdbEvent[] {
    const events: GdbEvent[] = []
    for (const byte of bytes) {
      const event = this.take(byte)
      if (event) events.push(event)
    }
    return events
  }

  private take(byte: number): GdbEvent | undefined {
    if (this.trailer) {
      this.trailer.push(byte)
      return this.trailer.length === 2 ? this.finish() : undefined
    }
    if (byte === DOLLAR) {
      this.body = []
    } else if (this.body) {
      if (byte === HASH) this.trailer = []
      else if (this.body.length <= PACKET_BYTES_MAX) this.body.push(byte)
    } else if (byte === PLUS) {
      return { kind: 'acknowledged' }
    } else if (byte === MINUS) {
      return { kind: 'refused' }
    } else if (byte === INTERRUPT) {
      return { kind: 'interrupt' }
    }
    return undefined
  }

  private finish(): GdbEvent {
    const raw = this.body!
    const sum = Number.parseInt(String.fromCharCode(...this.trailer!), 16)
    this.body = undefined
    this.trailer = undefined
    const data = raw.length <= PACKET_BYTES_MAX && sum === checksum(raw) ? decodeBody(raw) : undefined
    return data ? { kind: 'packet', data } : { kind: 'damaged' }
  }
}

/** A packet as it goes over the line: `data` as bytes, or as text of Latin-1 characters. */
export function framePacket(data: Uint8Array | string): Uint8Array {
  const plain = typeof data === 'string' ? Array.from(data, character => character.charCodeAt(0)) : data
  const body: number[] = []
  for (const byte of plain) {
    if (byte === DOLLAR || byte === HASH || byte === ESCAPE || byte === STAR) body.push(ESCAPE, byte ^ ESCAPE_FLIP)
    else body.push(byte)
  }
  const sum = checksum(body).toString(16).padStart(2, '0')
  return Uint8Array.from([DOLLAR, ...body, HASH, sum.charCodeAt(0), sum.charCodeAt(1)])
}

function checksum(bytes: readonly number[]): number {
  return bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0)
}

/** Undoes escapes and run-length encoding; undefined if one of them is cut off. */
function decodeBody(raw: readonly number[]): Uint8Array | undefined {
  const data: number[] = []
  for (let i = 0; i < raw.length; i++) {
    const byte = raw[i]!
    if (byte !== ESCAPE && byte !== STAR) {
      data.push(byte)
      continue
    }
    const next = raw[++i]
    if (next === undefined) return undefined
    if (byte === ESCAPE) {
      data.push(next ^ ESCAPE_FLIP)
    } else {
      const last = data.at(-1)
      if (last === undefined || next < REPEAT_BIAS + 3) return undefined
      for (let count = next - REPEAT_BIAS; count > 0; count--) data.push(last)
    }
  }
  return Uint8Array.from(data)
}

/** Bytes as pairs of hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** The bytes that pairs of hexadecimal digits stand for, or undefined if the text is no such thing. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
}
