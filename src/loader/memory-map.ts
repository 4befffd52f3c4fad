// The physical memory map that a guest is shown when no firmware tells it (E820 and multiboot use the same types):
// a PC without an extended BIOS data area.
const RAM = 1
const RESERVED = 2

/** One range of physical memory; address and length in bytes. */
export interface MemoryRange {
  readonly address: number
  readonly bytes: number
  readonly type: number
}

/** RAM to 639 KiB, reserved up to 1 MiB, RAM from there to the end of memory. */
export function defaultMemoryMap(memoryBytes: number): MemoryRange[] {
  return [
    { address: 0, bytes: 0x9fc00, type: RAM },
    { address: 0x9fc00, bytes: 0x400, type: RESERVED },
    { address: 0xf0000, bytes: 0x10000, type: RESERVED },
    { address: 0x100000, bytes: memoryBytes - 0x100000, type: RAM },
  ]
}
