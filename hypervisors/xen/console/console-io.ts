// Hypercall console_io (18): the hypervisor's own console, written by any domain and read by the control domain.

import { E2BIG, ENOSYS, EPERM } from '../errors.js'
import type { GuestMemory } from '../memory/guest-memory.js'

const WRITE = 0
const READ = 1
const WRITE_AT_ONCE = 4096
const TOO_MANY = 0x80000000

export class HypervisorConsole {
  private typed: number[] = []

  /**
   * @param output receives what domains write
   * @param readable the control domain may read what is typed
   */
  constructor(
    private readonly output: (byte: number) => void,
    private readonly readable: boolean,
  ) {}

  /** Somebody types. */
  input(bytes: Uint8Array) {
    this.typed.push(...bytes)
  }

  /** Input that nobody has read. */
  save(): Uint8Array {
    return Uint8Array.from(this.typed)
  }
  restore(typed: Uint8Array) {
    this.typed = [...typed]
  }

  /** The hypercall: 0 or the number of bytes read, or an error. */
  operate(guest: GuestMemory, command: number, count: number, buffer: number): number {
    if (command === WRITE) {
      for (let done = 0; done < count; done += WRITE_AT_ONCE)
        for (const byte of guest.bytes(buffer + done, Math.min(WRITE_AT_ONCE, count - done))) this.output(byte)
      return 0
    }
    if (!this.readable) return EPERM
    if (command !== READ) return ENOSYS
    if (count >= TOO_MANY) return E2BIG
    const taken = Uint8Array.from(this.typed.slice(0, count))
    guest.setBytes(buffer, taken)
    this.typed.splice(0, taken.length)
    return taken.length
  }
}
