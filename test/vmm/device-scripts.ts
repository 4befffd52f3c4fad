// Scripts of port accesses for the chips of the VMM (C, vmm/test/devices-script.c) and those of the machine (TypeScript): each
// runs a script and answers one line a command, which must be the same.
import { spawnSync } from 'node:child_process'
import { type BlockStorage, MediaError, SECTOR_BYTES } from '../../src/devices/block-storage.js'
import { cmosRam } from '../../src/devices/cmos-ram.js'
import { DebugConsole } from '../../src/devices/debug-console.js'
import { I8254 } from '../../src/devices/i8254-pit.js'
import { I8259Pair } from '../../src/devices/i8259-pic.js'
import { IdeAta } from '../../src/devices/ide-ata.js'
import { Mc146818 } from '../../src/devices/mc146818-rtc.js'
import { Ne2000 } from '../../src/devices/ne2000-dp8390.js'
import { Port61 } from '../../src/devices/port61.js'
import { Uart16550 } from '../../src/devices/uart16550.js'
import { type AccessSize, Bus } from '../../src/machine/bus.js'
import { Clock } from '../../src/machine/clock.js'
import { CharacterLine, Line, PacketLine } from '../../src/machine/line.js'
import { buildVmm } from './bare-machine.js'

let program: string | undefined

export function runC(script: readonly string[]): string[] {
  program ??= buildVmm('devices', 'devices-script')
  const { stdout, status } = spawnSync(program, {
    input: `${script.join('\n')}\n`,
    encoding: 'latin1',
    maxBuffer: 1 << 28,
  })
  expect(status).toBe(0)
  return stdout.replace(/\n$/, '').split('\n')
}

export const DISK_SECTORS = 2500
export const BAD_SECTORS = [77, 1500]

const CONTENTS = new Uint8Array(DISK_SECTORS * SECTOR_BYTES)
for (let i = 0; i < CONTENTS.length; i++) {
  const place = i % SECTOR_BYTES
  CONTENTS[i] = Math.floor(i / SECTOR_BYTES) * 7 + place * 13 + (place >> 8)
}

/** The disk of the scripts: what a sector holds follows from its number, and some cannot be read or written. */
class ScriptDisk implements BlockStorage {
  readonly sectors = DISK_SECTORS
  readonly bytes = CONTENTS.slice()
  flushFails = false

  /** The first bad sector of some, or the one behind them. */
  private end(lba: number, sectors: number): number {
    return Math.min(...BAD_SECTORS.filter(bad => bad >= lba), lba + sectors)
  }
  read(lba: number, buffer: Uint8Array): void {
    const sectors = buffer.length / SECTOR_BYTES
    if (this.end(lba, sectors) < lba + sectors) throw new MediaError(this.end(lba, sectors), 'bad')
    buffer.set(this.bytes.subarray(lba * SECTOR_BYTES, lba * SECTOR_BYTES + buffer.length))
  }
  write(lba: number, buffer: Uint8Array): void {
    const good = this.end(lba, buffer.length / SECTOR_BYTES) - lba
    this.bytes.set(buffer.subarray(0, good * SECTOR_BYTES), lba * SECTOR_BYTES)
    if (good * SECTOR_BYTES < buffer.length) throw new MediaError(lba + good, 'bad')
  }
  flush(): void {
    if (this.flushFails) throw new MediaError(0, 'cannot be flushed')
  }
}

function fold(bytes: Uint8Array): number {
  let sum = 2166136261
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 16777619)
  return sum >>> 0
}

export function runTypeScript(script: readonly string[]): string[] {
  let now = 0
  let console = ''
  const clock = new Clock(() => now)
  const intr = new Line('intr')
  const pic = new I8259Pair(intr)
  const pit = new I8254(clock, pic.irq[0]!)
  const com1 = new CharacterLine('com1')
  const output = (byte: number) => {
    console += byte.toString(16).padStart(2, '0')
  }
  com1.output = output
  const ports = new Bus('ports', 0x10000)
  const map = (name: string, base: number, length: number, device: Parameters<Bus['map']>[1]) =>
    ports.map({ name, base, length }, device)
  map('master', 0x20, 2, pic.master)
  map('slave', 0xa0, 2, pic.slave)
  map('elcr', 0x4d0, 2, pic.edgeLevel)
  map('pit', 0x40, 4, pit)
  map('61', 0x61, 1, new Port61(clock, pit))
  map('rtc', 0x70, 2, new Mc146818(clock, pic.irq[8]!, { ram: cmosRam({ memoryBytes: 64 << 20 }) }))
  map('com1', 0x3f8, 8, new Uart16550('com1', clock, pic.irq[4]!, com1))
  map('com2', 0x2f8, 8, new Uart16550('com2', clock, pic.irq[3]!, new CharacterLine('com2')))
  map('e9', 0xe9, 1, new DebugConsole(output))
  const storage = new ScriptDisk()
  const disk = new IdeAta(pic.irq[14]!, storage)
  map('ide', 0x1f0, 8, disk.commandBlock)
  map('ide control', 0x3f6, 1, disk.controlBlock)
  const wire = new PacketLine('eth0')
  wire.output = frame => {
    if (console.length < 30) console += `s${frame.length}:${fold(frame).toString(16)}`
  }
  map('ne2000', 0x300, 32, new Ne2000(pic.irq[9]!, wire, wire.station))
  const frameComes = (seed: number, length: number) => {
    const frame = Uint8Array.from({ length }, (_, i) => seed + i * 5)
    if (seed & 1) frame.set(wire.station.subarray(0, length))
    else if (seed & 2) frame.fill(0xff, 0, 6)
    wire.input(frame)
  }
  const stringIn = (port: number, size: AccessSize, count: number) => {
    const bytes = new Uint8Array(count * size)
    for (let done = 0; done < count; ) done += ports.readBlock(port, size, count - done, bytes.subarray(done * size))
    return fold(bytes)
  }
  const stringOut = (port: number, size: AccessSize, count: number, seed: number) => {
    const bytes = Uint8Array.from({ length: count * size }, (_, i) => seed + i * 7)
    for (let done = 0; done < count; ) done += ports.writeBlock(port, size, count - done, bytes.subarray(done * size))
  }
  pic.reset()
  return script.map(line => {
    const [command, a = '', b = '', c = '', e = ''] = line.split(' ')
    let value = 0
    console = ''
    if (command === 't') {
      const time = Number(a)
      while (clock.nextDeadline() <= time) {
        now = Math.max(now, clock.nextDeadline())
        clock.runDue()
      }
      now = time
    } else if (command === 'r') value = ports.read(Number.parseInt(a, 16), Number(b) as AccessSize)
    else if (command === 'w') ports.write(Number.parseInt(a, 16), Number(b) as AccessSize, Number.parseInt(c, 16))
    else if (command === 's') value = stringIn(Number.parseInt(a, 16), Number(b) as AccessSize, Number(c))
    else if (command === 'o')
      stringOut(Number.parseInt(a, 16), Number(b) as AccessSize, Number(c), Number.parseInt(e, 16))
    else if (command === 'n') frameComes(Number(a), Number(b))
    else if (command === 'd') value = fold(storage.bytes)
    else if (command === 'x') storage.flushFails = a === '1'
    else if (command === 'a') value = pic.acknowledge()
    else com1.input(Uint8Array.of(Number.parseInt(a, 16)))
    return `${(value >>> 0).toString(16)} ${Number(intr.level)} ${console}`
  })
}

/** Both, by name. */
export const BOTH = [
  ['C', runC],
  ['TypeScript', runTypeScript],
] as const

/** A byte written to a port: `PORT VALUE`. */
export function write(text: string): string {
  const [port, value] = text.split(' ')
  return `w ${port} 1 ${value}`
}
/** 8259 pair as a PC BIOS sets it up: vectors 0x20 and 0x28, cascade on 2, all inputs open. */
export const PICS = ['20 11', 'a0 11', '21 20', 'a1 28', '21 4', 'a1 2', '21 1', 'a1 1', '21 0', 'a1 0'].map(write)

/** Runs a script on both and compares, with what led to the first difference. */
export function expectEqual(seed: number, script: readonly string[]) {
  const [c, typescript] = [runC(script), runTypeScript(script)]
  const first = c.findIndex((line, i) => line !== typescript[i])
  const context = first < 0 ? [] : script.slice(Math.max(0, first - 12), first + 1)
  expect({ seed, first, context, c: c[first], typescript: typescript[first] }).toEqual({ seed, first: -1, context: [] })
}
