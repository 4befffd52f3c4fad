// A plain physical memory for loader tests; any access outside it is a failure of the loader.
import type { MemoryView } from '../../src/loader/entry.js'

export function physicalMemory(size: number): MemoryView & { readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(size)
  const check = (address: number, length: number) => {
    if (!Number.isInteger(address) || address < 0 || address + length > size) {
      throw new RangeError(`access of ${length} bytes at ${address} outside memory`)
    }
  }
  return {
    bytes,
    size,
    read: (address, length) => {
      check(address, length)
      return bytes.slice(address, address + length)
    },
    write: (address, data) => {
      check(address, data.length)
      bytes.set(data, address)
    },
  }
}
