// A guest for debugger tests: 64 KiB of memory and a processor that knows NOP, INC EAX, MOV [moffs32],EAX, JMP rel8 and
// HLT (which ends it with the status in EAX).
import type { BreakpointKind, DebugTarget, StopReason } from '../../src/debug/debug-target.js'
import { GDB_REGISTERS } from '../../src/debug/gdb-target.js'

export class FakeTarget implements DebugTarget {
  readonly memory = new Uint8Array(0x10000)
  readonly registers = new Map(GDB_REGISTERS.map(({ name, bytes }) => [name, new Uint8Array(bytes)]))
  readonly log: string[] = []
  private readonly breakpoints = new Map<string, number>()
  private interrupted = false

  get eip(): number {
    return this.get('eip')
  }

  get(name: string): number {
    const bytes = this.registers.get(name)!
    return new DataView(bytes.buffer).getUint32(0, true)
  }

  set(name: string, value: number): void {
    new DataView(this.registers.get(name)!.buffer).setUint32(0, value, true)
  }

  readRegister(name: string): Uint8Array | undefined {
    return name === 'fooff' ? undefined : this.registers.get(name)
  }

  writeRegister(name: string, bytes: Uint8Array): boolean {
    if (name === 'cr3') return false
    this.registers.get(name)!.set(bytes)
    return true
  }

  readMemory(linear: number, bytes: number): Uint8Array | undefined {
    return linear < this.memory.length ? this.memory.slice(linear, linear + bytes) : undefined
  }

  writeMemory(linear: number, data: Uint8Array): boolean {
    if (linear + data.length > this.memory.length) return false
    this.memory.set(data, linear)
    return true
  }

  insertBreakpoint(kind: BreakpointKind, linear: number, bytes: number): boolean {
    if (kind === 'read') return false
    this.breakpoints.set(`${kind} ${linear}`, bytes)
    return true
  }

  removeBreakpoint(kind: BreakpointKind, linear: number): boolean {
    return this.breakpoints.delete(`${kind} ${linear}`)
  }

  async step(): Promise<StopReason> {
    return this.execute() ?? { kind: 'step' }
  }

  async continue(): Promise<StopReason> {
    this.interrupted = false
    for (let first = true; ; first = false) {
      if (this.interrupted) return { kind: 'interrupt' }
      if (!first) {
        if (this.breakpoints.has(`software ${this.eip}`)) return { kind: 'breakpoint', by: 'software' }
        if (this.breakpoints.has(`hardware ${this.eip}`)) return { kind: 'breakpoint', by: 'hardware' }
      }
      const stop = this.execute()
      if (stop) return stop
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  interrupt(): void {
    this.interrupted = true
  }

  detach(): void {
    this.log.push('detach')
    this.breakpoints.clear()
  }

  kill(): void {
    this.log.push('kill')
    this.interrupted = true
  }

  monitor(command: string): string | undefined {
    return command === 'hello' ? 'hello yourself\n' : undefined
  }

  private execute(): StopReason | undefined {
    const at = this.eip
    const opcode = this.memory[at]!
    if (opcode === 0xf4) return { kind: 'exited', status: this.get('eax') & 0xff }
    if (opcode === 0x90) this.set('eip', at + 1)
    else if (opcode === 0x40) {
      this.set('eax', this.get('eax') + 1)
      this.set('eip', at + 1)
    } else if (opcode === 0xeb) this.set('eip', at + 2 + ((this.memory[at + 1]! << 24) >> 24))
    else if (opcode === 0xa3) {
      const linear = new DataView(this.memory.buffer).getUint32(at + 1, true)
      new DataView(this.memory.buffer).setUint32(linear, this.get('eax'), true)
      this.set('eip', at + 5)
      if (this.breakpoints.has(`write ${linear}`)) return { kind: 'watchpoint', watch: 'write', linear }
    } else return { kind: 'shutdown' }
    return undefined
  }
}
