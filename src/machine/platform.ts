// The pre-virtualized platform (the chips of a PC on the port bus, wired), and what native machines have beside it for
// other guests: fw_cfg, a local APIC where the CPU model shows one, QEMU's pc-testdev where it is asked for.

import { defaultGeometry } from '../devices/ata-address.js'
import type { BlockStorage } from '../devices/block-storage.js'
import { cmosRam } from '../devices/cmos-ram.js'
import { DebugConsole } from '../devices/debug-console.js'
import { FwCfg } from '../devices/fw-cfg.js'
import { I8042 } from '../devices/i8042-keyboard.js'
import { I8254 } from '../devices/i8254-pit.js'
import { I8259Pair } from '../devices/i8259-pic.js'
import { IdeAta } from '../devices/ide-ata.js'
import { IsaDebugExit } from '../devices/isa-debug-exit.js'
import { LocalApic } from '../devices/local-apic.js'
import { Mc146818 } from '../devices/mc146818-rtc.js'
import { PcTestdev } from '../devices/pc-testdev.js'
import { Port61 } from '../devices/port61.js'
import { Port92 } from '../devices/port92.js'
import { PostCode } from '../devices/post-code.js'
import { PowerControl } from '../devices/power-control.js'
import { Uart16550 } from '../devices/uart16550.js'
import { Bus, type Device, type Mapping } from './bus.js'
import type { Clock } from './clock.js'
import { CharacterLine, Line } from './line.js'

/** What happens outside the machine because of the platform. */
export interface PlatformEvents {
  powerOff(): void
  reset(source: string): void
  debugExit(value: number): void
  /** A byte of the debug console (port 0xE9), in order with COM1's. */
  console(byte: number): void
  nonMaskableInterrupt(): void
}

/** What a machine's platform is made of. */
export interface PlatformParts {
  readonly memoryBytes: number
  /** The first IDE disk; absent when there is none. */
  readonly disk?: BlockStorage
  readonly localApic: boolean
  readonly testDevices: boolean
}

const APIC_BYTES = 0x1000
const TESTDEV_MEMORY = 0xff000000

export class Platform {
  readonly ports = new Bus('ports', 0x10000)
  readonly physical = new Bus('memory', 2 ** 32)
  /** The CPU's INTR. */
  readonly intr = new Line('intr')
  readonly pic: I8259Pair
  readonly com1 = new CharacterLine('com1')
  readonly com2 = new CharacterLine('com2')
  readonly post = new PostCode()
  readonly devices: Device[] = []
  private readonly apic: LocalApic | undefined
  private apicPlace: Mapping | undefined

  constructor(clock: Clock, parts: PlatformParts, events: PlatformEvents) {
    const { memoryBytes, disk } = parts
    const external = parts.localApic ? new Line('8259 intr') : this.intr
    this.pic = new I8259Pair(external)
    if (parts.localApic) {
      this.apic = new LocalApic(clock, {
        lint0: external,
        acknowledgeExternal: () => this.pic.acknowledge(),
        intr: this.intr,
        nmi: events.nonMaskableInterrupt,
      })
      this.devices.push(this.apic)
      this.placeApic()
    }
    const { irq } = this.pic
    const a20 = new Line('a20', true)
    const power = new PowerControl(events)
    const pit = new I8254(clock, irq[0]!)
    const map = (name: string, base: number, length: number, device: Parameters<Bus['map']>[1]) =>
      this.ports.map({ name, base, length }, device)
    const port61 = new Port61(clock, pit)
    const rtc = new Mc146818(clock, irq[8]!, {
      ram: cmosRam({ memoryBytes, ...(disk && { disk: defaultGeometry(disk.sectors) }) }),
    })
    const keyboard = new I8042(irq[1]!, a20, power)
    const port92 = new Port92(a20, power)
    const uart1 = new Uart16550('16550 COM1', clock, irq[4]!, this.com1)
    const uart2 = new Uart16550('16550 COM2', clock, irq[3]!, this.com2)
    this.devices.push(this.pic, pit, port61, rtc, keyboard, port92, power, uart1, uart2, this.post)
    map('8259 master', 0x20, 2, this.pic.master)
    map('8259 slave', 0xa0, 2, this.pic.slave)
    map('8259 ELCR', 0x4d0, 2, this.pic.edgeLevel)
    map('8254 PIT', 0x40, 4, pit)
    map('port 61', 0x61, 1, port61)
    map('8042 data', 0x60, 1, keyboard.data)
    map('8042 command', 0x64, 1, keyboard.command)
    map('146818 RTC', 0x70, 2, rtc)
    map('POST 80', 0x80, 1, this.post)
    map('port 92', 0x92, 1, port92)
    map('debug console', 0xe9, 1, new DebugConsole(events.console))
    map('debug exit', 0xf4, 4, new IsaDebugExit(events.debugExit))
    map('POST 190', 0x190, 1, this.post)
    map('16550 COM2', 0x2f8, 8, uart2)
    map('16550 COM1', 0x3f8, 8, uart1)
    map('power control', 0x604, 2, power.acpi)
    map('reset control', 0xcf9, 1, power.resetControl)
    const configuration = new FwCfg({ memoryBytes })
    this.devices.push(configuration)
    map('fw_cfg', 0x510, 2, configuration)
    if (disk) {
      const ide = new IdeAta(irq[14]!, disk)
      this.devices.push(ide)
      map('IDE', 0x1f0, 8, ide.commandBlock)
      map('IDE control', 0x3f6, 1, ide.controlBlock)
    }
    if (parts.testDevices) {
      const testdev = new PcTestdev(irq)
      this.devices.push(testdev)
      map('testdev latch', 0xe0, 4, testdev.latch)
      map('testdev lines', 0x2000, 24, testdev.lines)
      this.physical.map({ name: 'testdev memory', base: TESTDEV_MEMORY, length: testdev.memoryBytes }, testdev.memory)
    }
  }

  /** The vector of the interrupt that the CPU takes. */
  acknowledge(): number {
    return this.apic ? this.apic.acknowledge() : this.pic.acknowledge()
  }
  /** IA32_APIC_BASE has been written: the registers move, or vanish where it turns the APIC off. */
  set apicBase(value: number) {
    if (!this.apic) return
    this.apic.base = value
    this.placeApic()
  }
  private placeApic() {
    if (this.apicPlace) this.physical.unmap(this.apicPlace)
    const apic = this.apic!
    const base = (apic.base & ~0xfff) >>> 0
    this.apicPlace = apic.enabled ? this.physical.map({ name: 'APIC', base, length: APIC_BYTES }, apic) : undefined
  }

  reset() {
    for (const device of this.devices) device.reset()
  }
}
