// Which frames a DP8390 takes: its own address, broadcasts, multicasts by a hash, or everything.
// Source: DP8390D data sheet, receive configuration register and "Multicast Address Registers".

const ACCEPT_BROADCAST = 0x04
const ACCEPT_MULTICAST = 0x08
const PROMISCUOUS = 0x10
const GENERATOR = 0x04c11db7

/** @param configuration the receive configuration register; `filter` is the 64-bit hash table, 8 bytes. */
export function accepts(configuration: number, address: Uint8Array, filter: Uint8Array, frame: Uint8Array): boolean {
  if (frame.length < 6) return false
  if (configuration & PROMISCUOUS) return true
  const destination = frame.subarray(0, 6)
  if (destination.every(byte => byte === 0xff)) return (configuration & ACCEPT_BROADCAST) !== 0
  if (destination[0]! & 1) {
    const hash = multicastHash(destination)
    return (configuration & ACCEPT_MULTICAST) !== 0 && (filter[hash >> 3]! & (1 << (hash & 7))) !== 0
  }
  return destination.every((byte, index) => byte === address[index])
}

/** The upper six bits of the Ethernet CRC over an address, bits in the order of transmission (lowest first). */
export function multicastHash(address: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of address) {
    for (let bit = 0; bit < 8; bit++) {
      const carry = (crc >>> 31) ^ ((byte >> bit) & 1)
      crc = carry ? (crc << 1) ^ GENERATOR : crc << 1
    }
  }
  return crc >>> 26
}
