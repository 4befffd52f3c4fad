// The ways a guest ends or restarts the machine: reset requests of the keyboard controller, port 0x92 and the reset
// control register 0xCF9 come together here, and ACPI's PM1a control register at 0x604 (PIIX4 under QEMU) powers off.
// Source: ACPI 1.0b section 4.7.3.2 (PM1 control: SLP_TYP bits 10-12, SLP_EN bit 13); PIIX3 data sheet (reset control).

import type { AccessSize, BusDevice, Device, DeviceState } from '../machine/bus.js'

const SCI_ENABLE = 0x0001
const SLEEP_TYPE = 0x1c00
const SLEEP_ENABLE = 0x2000
const RESET_CPU = 0x04 // reset control: a rising bit resets; bit 1 chooses a hard reset
const RESET_KEPT = 0x02

export interface PowerEvents {
  /** The guest asks for a reset; `source` names the port or chip. */
  reset(source: string): void
  /** The guest turns the power off. */
  powerOff(): void
}

export class PowerControl implements Device {
  readonly name = 'power'
  /** PM1a control, two bytes at 0x604. S5 has sleep type 0, as in QEMU's tables: writing 0x2000 powers off. */
  readonly acpi: BusDevice = {
    width: 2,
    read: (offset, size) => this.readAcpi(offset, size),
    write: (offset, size, value) => this.writeAcpi(offset, size, value),
  }
  /** Reset control register, one byte at 0xCF9. */
  readonly resetControl: BusDevice = {
    width: 1,
    read: () => this.resetBits,
    write: (_offset, _size, value) => {
      const rising = value & ~this.resetBits & RESET_CPU
      this.resetBits = value & (RESET_CPU | RESET_KEPT)
      if (rising) this.requestReset('port 0xcf9')
    },
  }
  private control = SCI_ENABLE
  private resetBits = 0

  constructor(private readonly events: PowerEvents) {}

  /** For chips that can reset the CPU. */
  requestReset(source: string): void {
    this.events.reset(source)
  }

  reset(): void {
    this.control = SCI_ENABLE
    this.resetBits = 0
  }

  save(): DeviceState {
    return { control: this.control, resetBits: this.resetBits }
  }

  restore(state: DeviceState): void {
    this.control = state.control as number
    this.resetBits = state.resetBits as number
  }

  private readAcpi(offset: number, size: AccessSize): number {
    return size === 2 ? this.control : (this.control >> (8 * offset)) & 0xff
  }

  private writeAcpi(offset: number, size: AccessSize, value: number): void {
    if (size === 2) this.control = value
    else if (offset === 0) this.control = (this.control & 0xff00) | value
    else this.control = (this.control & 0x00ff) | (value << 8)
    const sleep = this.control & SLEEP_ENABLE
    this.control &= ~SLEEP_ENABLE // write-only
    this.control |= SCI_ENABLE
    if (sleep && (this.control & SLEEP_TYPE) === 0) this.events.powerOff()
  }
}
