// QEMU's isa-debug-exit: a write ends the run with a status. Source: QEMU, docs of `-device isa-debug-exit`.
// Ports 0xF4-0xF7 by convention. The machine turns value v into the exit status (v << 1) | 1 where it is asked to.

import type { BusDevice } from '../machine/bus.js'

export class IsaDebugExit implements BusDevice {
  /** @param exit called with the value written, 8, 16 or 32 bits wide as the guest wrote it. */
  constructor(private readonly exit: (value: number) => void) {}

  read(_offset: number): number {
    return 0
  }

  write(_offset: number, _size: number, value: number): void {
    this.exit(value)
  }
}
