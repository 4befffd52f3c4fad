// A CPU in a small linear memory with 1 MiB of RAM, device memory from physical 0xA0000 to 0xBFFFF and nothing else:
// what the tests of src/cpu build their descriptor and page tables in.

import { Cpu } from '../../src/cpu/cpu.js'
import type { CpuHost } from '../../src/cpu/host.js'
import {
  CPL,
  CR0,
  FAULT,
  FAULT_ERROR,
  FAULT_HAS_ERROR,
  GDTR_BASE,
  GDTR_LIMIT,
  IDTR_BASE,
  IDTR_LIMIT,
  RAM,
} from '../../src/cpu/layout.js'
import { updateMode } from '../../src/cpu/mode.js'
import { cpuModel } from '../../src/cpu/models.js'
import { setSegment } from '../../src/cpu/segment-cache.js'

export const RAM_BYTES = 0x100000

export class Fixture {
  readonly log: string[] = []
  ticks = 0
  readonly device = new Map<number, number>()
  readonly cpu: Cpu

  constructor(model = 'pentium4') {
    const host: CpuHost = {
      portIn: (port, size) => {
        this.log.push(`in ${port} ${size}`)
        return port
      },
      portOut: (port, size, value) => this.log.push(`out ${port} ${size} ${value}`),
      tsc: () => this.ticks,
      acknowledgeInterrupt: () => 0x20,
      physicalPage: page => (page < RAM_BYTES >>> 12 && (page < 0xa0 || page >= 0xc0) ? RAM + page * 4096 : -1),
      deviceRead: (physical, size) => {
        this.log.push(`read ${physical.toString(16)} ${size}`)
        return this.device.get(physical) ?? 0
      },
      deviceWrite: (physical, size, value) => {
        this.log.push(`write ${physical.toString(16)} ${size}`)
        this.device.set(physical, value)
      },
      onModeChange: () => this.log.push('mode'),
      onCodeWrite: (address, bytes) => this.log.push(`code ${(address - RAM).toString(16)} ${bytes}`),
      onFlush: page => this.log.push(`flush ${page}`),
      halt: () => this.log.push('halt'),
      fpuError: () => true,
      onApicBase: value => this.log.push(`apic ${value}`),
    }
    this.cpu = new Cpu(new ArrayBuffer(RAM + RAM_BYTES), host, cpuModel(model))
  }

  // Physical memory.
  write32(physical: number, ...words: number[]) {
    words.forEach((word, i) => {
      this.cpu.view.setInt32(RAM + physical + 4 * i, word, true)
    })
  }
  write16(physical: number, ...words: number[]) {
    words.forEach((word, i) => {
      this.cpu.view.setInt16(RAM + physical + 2 * i, word, true)
    })
  }
  read32(physical: number): number {
    return this.cpu.view.getUint32(RAM + physical, true)
  }
  read16(physical: number): number {
    return this.cpu.view.getUint16(RAM + physical, true)
  }

  /** A descriptor with byte 5 `access` and the flags nibble (G D 0 A) `flags`; `limit` in the descriptor's units. */
  descriptor(physical: number, base: number, limit: number, access: number, flags: number) {
    this.write32(physical, (base << 16) | (limit & 0xffff))
    const high = (base & 0xff000000) | (flags << 20) | (limit & 0xf0000) | (access << 8) | ((base >>> 16) & 0xff)
    this.write32(physical + 4, high)
  }
  /** A gate of type and rights `access` to selector:offset. */
  gate(physical: number, selector: number, offset: number, access: number, count = 0) {
    this.write32(physical, (selector << 16) | (offset & 0xffff), (offset & 0xffff0000) | (access << 8) | count)
  }

  /**
   * Protected mode without paging. GDT at 0x1000: 08 code 0, 10 data 0, 18+3 code 3, 20+3 data 3, 28 TSS at 0x3000,
   * all flat; IDT at 0x2000; stack of ring 0 at 0x8000 in the TSS. Registers: ring `cpl`, ESP 0x9000, EIP 0x4000.
   */
  protectedMode(cpl = 0) {
    const { cpu } = this
    this.descriptor(0x1008, 0, 0xfffff, 0x9b, 0xc)
    this.descriptor(0x1010, 0, 0xfffff, 0x93, 0xc)
    this.descriptor(0x1018, 0, 0xfffff, 0xfb, 0xc)
    this.descriptor(0x1020, 0, 0xfffff, 0xf3, 0xc)
    this.descriptor(0x1028, 0x3000, 0x67, 0x8b, 0)
    this.write32(0x3004, 0x8000, 0x10)
    cpu.i32[GDTR_BASE >> 2] = 0x1000
    cpu.i32[GDTR_LIMIT >> 2] = 0xfff
    cpu.i32[IDTR_BASE >> 2] = 0x2000
    cpu.i32[IDTR_LIMIT >> 2] = 0x7ff
    cpu.i32[CR0 >> 2]! |= 1
    cpu.i32[CPL >> 2] = cpl
    const code = cpl === 0 ? 0x08 : 0x1b
    const data = cpl === 0 ? 0x10 : 0x23
    for (const n of [0, 2, 3, 4, 5]) setSegment(cpu, n, data, 0, -1, cpl === 0 ? 0xc093 : 0xc0f3)
    setSegment(cpu, 1, code, 0, -1, cpl === 0 ? 0xc09b : 0xc0fb)
    setSegment(cpu, 7, 0x28, 0x3000, 0x67, 0x8b)
    cpu.setRegister(4, 0x9000)
    cpu.eip = 0x4000
    updateMode(cpu)
    this.log.length = 0
  }

  /** What the current instruction raised, as the SDM writes it: `13(18)`, `6`, or `none`. Clears it. */
  raised(): string {
    const { i32 } = this.cpu
    const vector = i32[FAULT >> 2]! - 1
    i32[FAULT >> 2] = 0
    if (vector < 0) return 'none'
    return i32[FAULT_HAS_ERROR >> 2] !== 0 ? `${vector}(${i32[FAULT_ERROR >> 2]!.toString(16)})` : `${vector}`
  }
}
