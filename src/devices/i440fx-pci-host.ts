// Intel 82441FX (440FX) host bridge with configuration mechanism 1, and the functions of an 82371SB (PIIX3) behind it.
// Source: 82441FX data sheet (290549-001) sections 3.1 and 3.2.14 (PAM), PIIX3 data sheet, PCI 2.1 section 3.7.4.1.
// Ports 0xCF8-0xCFB (address, double words only; byte 0xCF9 is the reset control register), 0xCFC-0xCFF (data).
// Identities are those of QEMU's `pc` machine, by which SeaBIOS recognises it. Left out: other buses, BARs, interrupt routing.

import { type AccessSize, type BusDevice, copyState, type Device, type DeviceState } from '../machine/bus.js'
import { PciFunction } from './pci-function.js'
import type { PowerControl } from './power-control.js'

const QEMU_SUBSYSTEM_VENDOR = 0x1af4
const QEMU_SUBSYSTEM = 0x1100
const PAM_FIRST = 0x59
const PAM_REGISTERS = 7
const RESET_CONTROL = 1 // offset of 0xCF9

/** A part of the area between 640 KiB and 1 MiB and where its accesses go: RAM, or ROM and the bus. */
export interface ShadowRegion {
  readonly base: number
  readonly length: number
  readonly readRam: boolean
  readonly writeRam: boolean
}

export interface PciHostOptions {
  /** Called with all thirteen regions when a PAM register changes, and on reset. */
  readonly onShadow: (regions: ShadowRegion[]) => void
  /** Whether a disk is there: adds the IDE function, in compatibility mode and without bus mastering. */
  readonly ide: boolean
}

export class I440fxPciHost implements Device {
  readonly name = 'pci'
  /** The configuration address register, four bytes. */
  readonly address: BusDevice = {
    read: (offset, size) => this.readAddress(offset, size),
    write: (offset, size, value) => this.writeAddress(offset, size, value),
  }
  /** The configuration data window, four bytes. */
  readonly data: BusDevice = {
    read: (offset, size) => this.readData(offset, size),
    write: (offset, size, value) => this.writeData(offset, size, value),
  }
  private selected = 0
  private functions = new Map<number, PciFunction>()

  constructor(
    private readonly power: PowerControl,
    private readonly options: PciHostOptions,
  ) {
    this.functions = buildFunctions(options.ide)
  }

  reset(): void {
    this.selected = 0
    this.functions = buildFunctions(this.options.ide)
    this.options.onShadow(this.shadowRegions)
  }

  save(): DeviceState {
    const functions = [...this.functions].map(([number, { bytes }]) => ({ number, bytes }))
    return copyState({ selected: this.selected, functions })
  }

  restore(state: DeviceState): void {
    this.selected = state.selected as number
    for (const { number, bytes } of state.functions as { number: number; bytes: Uint8Array }[]) {
      this.functions.get(number)?.bytes.set(bytes)
    }
    this.options.onShadow(this.shadowRegions)
  }

  /** Where accesses to 0xC0000-0xFFFFF go now. Source: 82441FX data sheet, PAM registers. */
  get shadowRegions(): ShadowRegion[] {
    const { bytes } = this.functions.get(0)!
    const region = (base: number, length: number, bits: number): ShadowRegion => ({
      base,
      length,
      readRam: (bits & 1) !== 0,
      writeRam: (bits & 2) !== 0,
    })
    const regions = [region(0xf0000, 0x10000, bytes[PAM_FIRST]! >> 4)]
    for (let index = 1; index < PAM_REGISTERS; index++) {
      const bits = bytes[PAM_FIRST + index]!
      const base = 0xc0000 + (index - 1) * 0x8000
      regions.push(region(base, 0x4000, bits), region(base + 0x4000, 0x4000, bits >> 4))
    }
    return regions
  }

  private readAddress(offset: number, size: AccessSize): number {
    if (size === 4) return this.selected
    if (size === 1 && offset === RESET_CONTROL) return this.power.resetControl.read(0, 1)
    return 2 ** (8 * size) - 1
  }

  private writeAddress(offset: number, size: AccessSize, value: number): void {
    if (size === 4) this.selected = (value & 0x80fffffc) >>> 0
    else if (size === 1 && offset === RESET_CONTROL) this.power.resetControl.write(0, 1, value)
  }

  /** The function that the address register selects, undefined where there is none. */
  private get target(): PciFunction | undefined {
    if (this.selected < 0x80000000) return undefined
    return this.functions.get((this.selected >>> 8) & 0xffff)
  }

  private readData(offset: number, size: AccessSize): number {
    return this.target?.read((this.selected & 0xfc) + offset, size) ?? 2 ** (8 * size) - 1
  }

  private writeData(offset: number, size: AccessSize, value: number): void {
    const register = (this.selected & 0xfc) + offset
    const target = this.target
    if (target === undefined) return
    const before = this.pam
    target.write(register, size, value)
    if (this.pam !== before) this.options.onShadow(this.shadowRegions)
  }

  private get pam(): string {
    return this.functions
      .get(0)!
      .bytes.subarray(PAM_FIRST, PAM_FIRST + PAM_REGISTERS)
      .join()
  }
}

const functionNumber = (device: number, index: number) => (device << 3) | index

function buildFunctions(ide: boolean): Map<number, PciFunction> {
  const subsystem = { subsystemVendor: QEMU_SUBSYSTEM_VENDOR, subsystem: QEMU_SUBSYSTEM }
  const host = new PciFunction({ vendor: 0x8086, device: 0x1237, revision: 2, classCode: 0x060000, ...subsystem })
  for (let index = 0; index < PAM_REGISTERS; index++) host.allow(PAM_FIRST + index, 1, index === 0 ? 0x30 : 0x33)
  host.set(0x72, 1, 0x02) // SMRAM: closed
  host.allow(0x72, 1, 0x7f)
  const isa = new PciFunction({
    vendor: 0x8086,
    device: 0x7000,
    revision: 0,
    classCode: 0x060100,
    isMultifunction: true,
    ...subsystem,
  })
  isa.set(0x60, 4, 0x80808080) // PIRQ routes: none
  isa.allow(0x60, 4, 0x8f8f8f8f)
  isa.allow(0x4c, 4, 0xffffffff) // recovery timers, chip select and top of memory: kept
  const functions = new Map([
    [functionNumber(0, 0), host],
    [functionNumber(1, 0), isa],
  ])
  if (ide) {
    const disks = new PciFunction({ vendor: 0x8086, device: 0x7010, revision: 0, classCode: 0x010100, ...subsystem })
    disks.set(0x40, 2, 0x8000) // the primary channel decodes 0x1F0, the secondary nothing
    disks.allow(0x40, 4, 0xffffffff)
    functions.set(functionNumber(1, 1), disks)
  }
  return functions
}
