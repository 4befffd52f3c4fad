// Debug exceptions where several things meet: what DR6 keeps, HLT under TF, INT1 behind MOV SS with a data breakpoint.
// Expected values are those that processors give (and KVM's unit tests ask for), under every engine.

import { cpuModel } from '../../src/cpu/models.js'
import { engineNames } from '../../src/engine/engines.js'
import { createCpu } from '../../src/index.js'
import { Machine } from '../../src/machine/machine.js'

const CODE = 0x400000
const DATA = 0x10000
const DR6_FIXED = 0xffff0ff0
const BS = 0x4000
const TRAP = { kind: 'fault', vector: 1 }

describe.each(engineNames)('%s', engine => {
  const cpuWith = (dr: number[], code: number[]) => {
    const cpu = createCpu({ engine })
    cpu.map(CODE, 0x1000, { write: true, user: true })
    cpu.map(DATA, 0x1000, { write: true, user: true })
    cpu.map(DATA + 0x4000, 0x1000)
    // Flat data as selector 10, and a gate for vector 1.
    cpu.write(DATA + 0x4108, Uint8Array.of(0, 0, 8, 0, 0, 0x8e, 0, 0))
    cpu.write(DATA + 0x4010, Uint8Array.of(0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0))
    cpu.write(CODE, Uint8Array.from(code))
    const idtr = { base: DATA + 0x4100, limit: 0xf }
    cpu.state = { eip: CODE, esp: DATA + 0x1000, dr, gdtr: { base: DATA + 0x4000, limit: 0x17 }, idtr }
    return cpu
  }

  test('DR6 names the breakpoints of this time; its other bits stay', () => {
    const cpu = cpuWith([0, 0, CODE, 0, 0, 0, DR6_FIXED | BS | 2, 0x420], [0x90])
    expect(cpu.step()).toEqual(TRAP)
    expect(cpu.state.dr[6]).toBe((DR6_FIXED | BS | 4) >>> 0)
    expect(cpu.state.eip).toBe(CODE)
  })

  test('a data breakpoint of MOV SS is part of the #DB of an INT1 behind it, and comes once', () => {
    const cpu = cpuWith([0, DATA, 0, 0, 0, 0, DR6_FIXED, 0xf00408], [0x8e, 0x13, 0xf1, 0x90])
    cpu.write(DATA, Uint8Array.of(0x10, 0))
    cpu.state = { ebx: DATA }
    expect(cpu.step()).toEqual({ kind: 'done' }) // mov ss, [ebx]
    expect(cpu.step()).toEqual(TRAP) // int1
    expect(cpu.state.dr[6]).toBe((DR6_FIXED | 2) >>> 0)
    expect(cpu.state.eip).toBe(CODE + 3)
    expect(cpu.step()).toEqual({ kind: 'done' })
  })

  test('TF wakes HLT', () => {
    const machine = new Machine({ memory: 1 << 20, model: cpuModel('pentium3'), engine })
    const handler = [0xb0, 0x21, 0xe6, 0xe9, 0xb0, 0, 0xe6, 0xf4] // '!' to the console, then the debug exit
    machine.memory.write(0x1000, Uint8Array.of(0xf4))
    machine.memory.write(0x2000, Uint8Array.from(handler))
    machine.memory.write(0x3008, Uint8Array.of(0, 0x20, 8, 0, 0, 0x8e, 0, 0))
    machine.memory.write(0x4008, Uint8Array.of(0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0))
    const data = { selector: 0x10, base: 0, limit: 0xffffffff, rights: 0xc093 }
    const cs = { selector: 8, base: 0, limit: 0xffffffff, rights: 0xc09b }
    const tables = { gdtr: { base: 0x4000, limit: 0xf }, idtr: { base: 0x3000, limit: 0xf } }
    machine.cpu.state = {
      cr0: 0x11,
      eip: 0x1000,
      esp: 0x8000,
      eflags: 0x302,
      cs,
      ds: data,
      es: data,
      ss: data,
      ...tables,
    }
    let text = ''
    machine.onConsole = byte => {
      text += String.fromCharCode(byte)
    }
    expect(machine.run(1000)).toMatchObject({ kind: 'debug-exit' })
    expect(text).toBe('!')
  })
})
