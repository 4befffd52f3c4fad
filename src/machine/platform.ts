// The chips of a PC on the port bus, wired. What a machine may leave out is in platform-options.ts.

import { cmosRam } from '../devices/cmos-ram.js'
import { DebugConsole } from '../devices/debug-console.js'
import { FerrLatch } from '../devices/ferr-latch.js'
import { FirmwareLog } from '../devices/firmware-log.js'
import { FwCfg } from '../devices/fw-cfg.js'
import { I440fxPciHost } from '../devices/i440fx-pci-host.js'
import { I8042 } from '../devices/i8042-keyboard.js'
import { I8254 } from '../devices/i8254-pit.js'
import { I8259Pair } from '../devices/i8259-pic.js'
import { IsaDebugExit } from '../devices/isa-debug-exit.js'
import { Mc146818 } from '../devices/mc146818-rtc.js'
import { Port61 } from '../devices/port61.js'
import { Port92 } from '../devices/port92.js'
import { PostCode } from '../devices/post-code.js'
import { PowerControl } from '../devices/power-control.js'
import { Uart16550 } from '../devices/uart16550.js'
import { Bus, type BusDevice, type Device } from './bus.js'
import type { Clock } from './clock.js'
import type { GuestDma } from './guest-dma.js'
import { CharacterLine, Line } from './line.js'
import type { Shadow } from './memory.js'
import {
  addApic,
  addDisk,
  addNetwork,
  addTestDevice,
  addVirtio,
  diskOf,
  type OptionalChips,
} from './platform-options.js'

/** What happens outside the platform because of it. */
export interface PlatformEvents {
  powerOff(): void
  reset(source: string): void
  debugExit(value: number): void
  /** A byte of a debug console (ports 0xE9 and 0x402), in order with COM1's. */
  console(byte: number): void
  /** The local APIC has an NMI for the CPU. */
  nmi(): void
  /** The A20 gate opens or closes. */
  a20(level: boolean): void
  /** Accesses between 768 KiB and 1 MiB go elsewhere from now on. */
  shadow(regions: readonly Shadow[]): void
}

/** Firmware's console: SeaBIOS writes its log to the one and its screen to the other. */
const SEABIOS_LOG = 0x402
const SERIAL_SCREEN = 'etc/sercon-port'
const COM1 = 0x3f8

export class Platform {
  readonly ports = new Bus('ports', 0x10000)
  readonly physical = new Bus('memory', 2 ** 32)
  /** The CPU's INTR. */
  readonly intr: Line
  /** Answers the CPU's interrupt acknowledge: the vector. */
  readonly acknowledge: () => number
  readonly pic: I8259Pair
  readonly ferr: FerrLatch
  readonly com1 = new CharacterLine('com1')
  readonly com2 = new CharacterLine('com2')
  readonly post = new PostCode()
  readonly fwCfg: FwCfg
  readonly devices: Device[] = []
  /** The guest has written IA32_APIC_BASE, or the CPU has been reset. */
  moveApic: (base: number) => void = () => {}

  constructor(clock: Clock, memory: GuestDma, events: PlatformEvents, chips: OptionalChips) {
    const { memoryBytes } = memory
    const picIntr = new Line('intr of the 8259 pair')
    this.pic = new I8259Pair(picIntr)
    const { irq } = this.pic
    const a20 = new Line('a20', true)
    a20.onChange(events.a20)
    const power = new PowerControl(events)
    const pit = new I8254(clock, irq[0]!)
    const port61 = new Port61(clock, pit)
    const rtc = new Mc146818(clock, irq[8]!, { ram: cmosRam({ memoryBytes, ...(chips.disk && diskOf(chips.disk)) }) })
    const keyboard = new I8042(irq[1]!, a20, power)
    const port92 = new Port92(a20, power)
    const uart1 = new Uart16550('16550 COM1', clock, irq[4]!, this.com1)
    const uart2 = new Uart16550('16550 COM2', clock, irq[3]!, this.com2)
    const pci = new I440fxPciHost(power, { onShadow: events.shadow, ide: chips.disk !== undefined })
    this.ferr = new FerrLatch(irq[13]!)
    this.fwCfg = new FwCfg({ memoryBytes })
    this.fwCfg.addFile(SERIAL_SCREEN, Uint8Array.of(COM1 & 0xff, COM1 >> 8))
    this.devices.push(this.pic, pit, port61, rtc, keyboard, port92, power, uart1, uart2, this.post)
    const firmwareLog = new FirmwareLog(events.console)
    this.devices.push(pci, this.ferr, this.fwCfg, firmwareLog)
    this.map('8259 master', 0x20, 2, this.pic.master)
    this.map('8254 PIT', 0x40, 4, pit)
    this.map('8042 data', 0x60, 1, keyboard.data)
    this.map('port 61', 0x61, 1, port61)
    this.map('8042 command', 0x64, 1, keyboard.command)
    this.map('146818 RTC', 0x70, 2, rtc)
    this.map('POST 80', 0x80, 1, this.post)
    this.map('port 92', 0x92, 1, port92)
    this.map('8259 slave', 0xa0, 2, this.pic.slave)
    this.map('debug console', 0xe9, 1, new DebugConsole(events.console))
    this.map('FERR latch', 0xf0, 1, this.ferr)
    this.map('debug exit', 0xf4, 4, new IsaDebugExit(events.debugExit))
    this.map('POST 190', 0x190, 1, this.post)
    this.map('16550 COM2', 0x2f8, 8, uart2)
    this.map('16550 COM1', COM1, 8, uart1)
    this.map('firmware log', SEABIOS_LOG, 1, firmwareLog)
    this.map('8259 ELCR', 0x4d0, 2, this.pic.edgeLevel)
    this.map('fw_cfg', 0x510, 2, this.fwCfg)
    this.map('power control', 0x604, 2, power.acpi)
    this.map('PCI address', 0xcf8, 4, pci.address)
    this.map('PCI data', 0xcfc, 4, pci.data)
    if (chips.disk) addDisk(this, chips.disk)
    if (chips.network) addNetwork(this, chips.network)
    if (chips.testDevice) addTestDevice(this)
    addVirtio(this, memory, chips)
    const apic = chips.apic ? addApic(this, clock, picIntr, events.nmi) : undefined
    this.intr = apic?.intr ?? picIntr
    this.acknowledge = apic?.acknowledge ?? (() => this.pic.acknowledge())
  }

  /** Gives ports to a device. */
  map(name: string, base: number, length: number, device: BusDevice) {
    this.ports.map({ name, base, length }, device)
  }

  /** A system reset: every chip but the log of POST codes, which outlives it. CMOS RAM keeps its contents. */
  reset() {
    for (const device of this.devices) if (device !== this.post) device.reset()
  }
}
