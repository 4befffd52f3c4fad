// Machine memory as a hypervisor sees it: RAM by machine-physical address. Writes are told to the engine, which may have
// translated code that lies there.

import { RAM } from '../cpu/layout.js'
import type { MachineMemory } from './host.js'
import type { Machine } from './machine.js'

export class HostMemory implements MachineMemory {
  readonly bytes: number
  readonly ram: Uint8Array
  private readonly u32: Uint32Array

  constructor(private readonly machine: Machine) {
    const { memory } = machine
    this.bytes = memory.bytes + memory.reserve
    this.ram = memory.u8.subarray(RAM, RAM + this.bytes)
    this.u32 = new Uint32Array(memory.memory.buffer, RAM, this.bytes >>> 2)
  }

  isRam(address: number): boolean {
    return this.machine.memory.hostPage(address >>> 12, true) >= 0
  }
  read32(address: number): number {
    return this.u32[address >>> 2]!
  }
  write32(address: number, value: number) {
    this.u32[address >>> 2] = value
    this.changed(address, 4)
  }
  read(address: number, bytes: number): Uint8Array {
    return this.ram.slice(address, address + bytes)
  }
  write(address: number, data: Uint8Array) {
    this.ram.set(data, address)
    this.changed(address, data.length)
  }
  fill(address: number, bytes: number, value: number) {
    this.ram.fill(value, address, address + bytes)
    this.changed(address, bytes)
  }

  changed(address: number, bytes: number) {
    const { cpu, execution } = this.machine
    const end = RAM + address + bytes
    for (let at = RAM + address; at < end; at = (at | 0xfff) + 1)
      if (cpu.tlb.hasCode(at)) execution.engine.codeWritten(at, Math.min(end, (at | 0xfff) + 1) - at)
  }
}
