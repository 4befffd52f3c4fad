// Machine memory as the hypervisor sees it: plain RAM from machine address 0 on. Who writes says so, since code that was
// translated from those bytes is to be forgotten.

export const PAGE_BYTES = 4096
/** 64-bit entries in a table page. */
export const ENTRIES = 512

export interface MachineMemory {
  readonly u8: Uint8Array
  readonly u32: Uint32Array
  /** Bytes have been written. */
  changed(address: number, bytes: number): void
}

/** Fills a frame with zeroes. */
export function clearFrame(memory: MachineMemory, frame: number) {
  memory.u32.fill(0, frame << 10, (frame + 1) << 10)
  memory.changed(frame * PAGE_BYTES, PAGE_BYTES)
}

/** Writes one aligned 32-bit word. */
export function setWord(memory: MachineMemory, address: number, value: number) {
  memory.u32[address >>> 2] = value
  memory.changed(address, 4)
}
