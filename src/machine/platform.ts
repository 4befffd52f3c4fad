// The pre-virtualized platform: the chips of a PC on the port bus (DESIGN 5), wired. Port I/O only.

import { cmosRam } from '../devices/cmos-ram.js'
import { DebugConsole } from '../devices/debug-console.js'
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
import { Bus, type Device } from './bus.js'
import type { Clock } from './clock.js'
import { CharacterLine, Line } from './line.js'

/** What happens outside the machine because of the platform. */
export interface PlatformEvents {
  powerOff(): void
  reset(source: string): void
  debugExit(value: number): void
  /** A byte of the debug console (port 0xE9), in order with COM1's. */
  console(byte: number): void
}

export class Platform {
  readonly ports = new Bus('ports', 0x10000)
  readonly physical = new Bus('memory', 2 ** 32)
  readonly intr = new Line('intr')
  readonly pic = new I8259Pair(this.intr)
  readonly com1 = new CharacterLine('com1')
  readonly com2 = new CharacterLine('com2')
  readonly post = new PostCode()
  readonly devices: Device[] = []

  constructor(clock: Clock, memoryBytes: number, events: PlatformEvents) {
    const { irq } = this.pic
    const a20 = new Line('a20', true)
    const power = new PowerControl(events)
    const pit = new I8254(clock, irq[0]!)
    const map = (name: string, base: number, length: number, device: Parameters<Bus['map']>[1]) =>
      this.ports.map({ name, base, length }, device)
    const port61 = new Port61(clock, pit)
    const rtc = new Mc146818(clock, irq[8]!, { ram: cmosRam({ memoryBytes }) })
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
  }

  reset() {
    for (const device of this.devices) device.reset()
  }
}
