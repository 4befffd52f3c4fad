// System instructions: privilege, flags and interrupt shadow, ports, tables, far transfers, and what helpers are told.

import * as L from '../../src/cpu/layout.js'
import { STOP_NEXT, STOP_TRANSFER } from '../../src/cpu/stops.js'
import { SemanticsMachine } from '../drivers/semantics-machine.js'

const WINDOW = 0x5000
const GP0 = { vector: 13, error: 0 }
const leaves = { kind: 'stop', reason: STOP_NEXT }
let machine: SemanticsMachine
beforeEach(() => {
  machine = new SemanticsMachine()
  machine.map(WINDOW >> 12, 1)
  set(L.ESP, WINDOW + 0x800)
  machine.flags = 0x202
})
const set = (n: number, v: number) => {
  machine.cells[L.gprCell(n) >> 2] = v
}
const get = (n: number) => machine.cells[L.gprCell(n) >> 2]! >>> 0
const cell = (at: number) => machine.cells[at >> 2]!
const user = () => {
  machine.cells[L.CPL >> 2] = 3
}
const absolute = [0x00, WINDOW >> 8, 0, 0]

describe('CLI and STI', () => {
  test('CLI clears IF in place', () => {
    expect(machine.run([0xfa]).ending.kind).toBe('next')
    expect(machine.flags & 0x200).toBe(0)
    expect(machine.calls).toEqual([])
  })
  test('STI casts a shadow over one instruction, only when IF was clear', () => {
    machine.cells[L.SLICE_END >> 2] = 5000
    machine.cells[L.BUDGET >> 2] = 40
    machine.run([0xfb])
    expect(cell(L.SHADOW_KIND)).toBe(0)
    machine.flags = 2
    expect(machine.run([0xfb]).ending.kind).toBe('next')
    expect([cell(L.SHADOW), cell(L.SHADOW_KIND), machine.flags]).toEqual([4961, 1, 0x202])
  })
  test('STI leaves the engine only when an interrupt waits', () => {
    machine.flags = 2
    machine.cells[L.INTR >> 2] = 1
    expect(machine.run([0xfb]).ending).toEqual(leaves)
  })
  test('above IOPL the helper decides', () => {
    user()
    machine.helpers.cli = machine.helpers.sti = () => {
      machine.fault = GP0
      return 0
    }
    for (const code of [0xfa, 0xfb]) expect(machine.run([code]).fault).toEqual(GP0)
    machine.flags = 0x3202
    expect(machine.run([0xfa]).ending.kind).toBe('next')
    expect(machine.flags).toBe(0x3002)
  })
})

describe('PUSHF and POPF', () => {
  const pushWord = (v: number) => {
    set(L.EAX, v)
    machine.run([0x50])
  }
  test('PUSHF shows all flags but VM and RF', () => {
    machine.flags = 0x210ed7
    machine.run([0x9c])
    expect([...machine.read(get(L.ESP), 4)]).toEqual([0xd7, 0x0e, 0x20, 0])
  })
  test('PUSHF asks the helper only in virtual-8086 mode below IOPL 3', () => {
    machine.flags = 0x23002
    machine.run([0x9c])
    expect(machine.calls).toEqual([])
    machine.flags = 0x21002
    machine.run([0x9c])
    expect(machine.calls).toEqual([['pushf_allowed']])
  })
  test('POPF that changes IF, DF and the arithmetic flags is done in place', () => {
    pushWord(0xcd7)
    expect(machine.run([0x9d]).ending.kind).toBe('next')
    expect(machine.flags).toBe(0xcd7)
    expect(machine.calls).toEqual([])
    expect(get(L.ESP)).toBe(WINDOW + 0x800)
  })
  test('POPF that opens interrupts leaves when one waits', () => {
    machine.flags = 2
    machine.cells[L.INTR >> 2] = 1
    pushWord(0x202)
    expect(machine.run([0x9d]).ending).toEqual(leaves)
    expect(machine.flags).toBe(0x202)
  })
  test('POPF of TF or NT, or of IF above IOPL, is the helper’s work', () => {
    for (const [word, cpl] of [
      [0x302, 0],
      [0x4202, 0],
      [0x2, 3],
    ] as const) {
      machine.calls.length = 0
      machine.cells[L.CPL >> 2] = cpl
      pushWord(word)
      expect(machine.run([0x9d]).ending).toEqual(leaves)
      expect(machine.calls).toEqual([['popf', word, 4]])
    }
  })
  test('a refused POPF leaves ESP and flags', () => {
    machine.flags = 0x21202
    user()
    machine.helpers.popf = () => {
      machine.fault = GP0
      return 0
    }
    pushWord(0xd7)
    const esp = get(L.ESP)
    expect(machine.run([0x9d]).fault).toEqual(GP0)
    expect([get(L.ESP), machine.flags]).toEqual([esp, 0x21202])
  })
})

describe('privileged instructions', () => {
  const codes: [string, number[]][] = [
    ['hlt', [0xf4]],
    ['clts', [0x0f, 0x06]],
    ['invd', [0x0f, 0x08]],
    ['wbinvd', [0x0f, 0x09]],
    ['wrmsr', [0x0f, 0x30]],
    ['rdmsr', [0x0f, 0x32]],
    ['mov cr0, eax', [0x0f, 0x22, 0xc0]],
    ['mov eax, cr4', [0x0f, 0x20, 0xe0]],
    ['mov dr7, eax', [0x0f, 0x23, 0xf8]],
    ['mov eax, dr6', [0x0f, 0x21, 0xf0]],
    ['lgdt', [0x0f, 0x01, 0x15, ...absolute]],
    ['lidt', [0x0f, 0x01, 0x1d, ...absolute]],
    ['lldt', [0x0f, 0x00, 0xd0]],
    ['ltr', [0x0f, 0x00, 0xd8]],
    ['lmsw', [0x0f, 0x01, 0xf0]],
    ['invlpg', [0x0f, 0x01, 0x3d, ...absolute]],
    ['sysexit', [0x0f, 0x35]],
  ]
  test.each(codes)('%s is #GP(0) outside CPL 0 before anything happens', (_name, code) => {
    user()
    const { registers } = machine
    expect(machine.run(code).fault).toEqual(GP0)
    expect(machine.calls).toEqual([])
    expect(machine.registers).toEqual(registers)
  })
  test.each(codes)('%s reaches its helper at CPL 0', (_name, code) => {
    machine.cells[L.FLUSH_WATCHED >> 2] = 1
    expect(machine.run(code).fault).toBeUndefined()
    expect(machine.calls).toHaveLength(1)
  })
  test('a write of CR0 leaves the engine, a read does not', () => {
    set(L.EAX, 0x80000011)
    expect(machine.run([0x0f, 0x22, 0xc0]).ending).toEqual(leaves)
    expect(machine.calls).toEqual([['write_cr', 0, 0x80000011 | 0]])
    machine.cells[L.CR3 >> 2] = 0x1234000
    expect(machine.run([0x0f, 0x20, 0xdb]).ending.kind).toBe('next')
    expect(get(L.EBX)).toBe(0x1234000)
  })
  test('a write of CR3 looks up what follows, one of CR4 leaves the engine', () => {
    expect(machine.run([0x0f, 0x22, 0xd8]).ending).toEqual({ kind: 'stop', reason: STOP_TRANSFER })
    expect(machine.run([0x0f, 0x22, 0xe0]).ending).toEqual(leaves)
  })
  test('a monitor is asked for what a control register shows', () => {
    machine.helpers.read_cr = n => 0x1000 + n
    machine.cells[L.MONITORED >> 2] = 1
    expect(machine.run([0x0f, 0x20, 0xdb]).ending.kind).toBe('next')
    expect(get(L.EBX)).toBe(0x1003)
  })
  test('CLTS leaves the engine only when the mode changed', () => {
    expect(machine.run([0x0f, 0x06]).ending.kind).toBe('next')
    machine.helpers.clts = () => {
      machine.cells[L.MODE >> 2] = 256
      return 0
    }
    expect(machine.run([0x0f, 0x06]).ending).toEqual(leaves)
  })
})

describe('ports', () => {
  test('IN and OUT of each size', () => {
    set(L.EDX, 0xaaaa03f8)
    set(L.EAX, 0x11223344)
    machine.helpers.in = () => 0x88776655 | 0
    machine.run([0xec])
    expect(get(L.EAX)).toBe(0x11223355)
    machine.run([0x66, 0xe5, 0x80])
    expect(get(L.EAX)).toBe(0x11226655)
    expect(machine.run([0xef]).ending).toEqual(leaves)
    expect(machine.calls).toEqual([
      ['in', 0x3f8, 1],
      ['in', 0x80, 2],
      ['out', 0x3f8, 4, 0x11226655],
    ])
  })
  test('the permission bitmap is asked above IOPL and always in virtual-8086 mode', () => {
    user()
    machine.run([0xe4, 0x21])
    machine.flags = 0x3202
    machine.run([0xe4, 0x21])
    machine.flags = 0x23202
    machine.run([0xe4, 0x21])
    expect(machine.calls.map(c => c[0])).toEqual(['check_io', 'in', 'in', 'check_io', 'in'])
  })
})

describe('descriptor tables', () => {
  test('LGDT takes 24 bits of the base with 16-bit operands; SGDT stores what is there', () => {
    machine.write(WINDOW, [0x7f, 0x01, 0x78, 0x56, 0x34, 0x12])
    machine.run([0x0f, 0x01, 0x15, ...absolute])
    machine.run([0x66, 0x0f, 0x01, 0x1d, ...absolute])
    expect(machine.calls).toEqual([
      ['lgdt', 0x17f, 0x12345678],
      ['lidt', 0x17f, 0x345678],
    ])
    machine.cells[L.GDTR_LIMIT >> 2] = 0x3ff
    machine.cells[L.GDTR_BASE >> 2] = 0xc0001000 | 0
    machine.run([0x0f, 0x01, 0x05, ...absolute])
    expect([...machine.read(WINDOW, 6)]).toEqual([0xff, 0x03, 0, 0x10, 0, 0xc0])
  })
  test('STR and SLDT zero-extend into a register and store 16 bits in memory', () => {
    machine.cells[L.segmentCell(L.TR, L.SEG_SELECTOR) >> 2] = 0x28
    set(L.EAX, -1)
    machine.run([0x0f, 0x00, 0xc8])
    expect(get(L.EAX)).toBe(0x28)
    machine.write(WINDOW, [9, 9, 9, 9])
    machine.run([0x0f, 0x00, 0x0d, ...absolute])
    expect([...machine.read(WINDOW, 4)]).toEqual([0x28, 0, 9, 9])
  })
  test('LAR writes and sets ZF only where the helper allows', () => {
    set(L.EAX, 5)
    set(L.EBX, 0x10)
    for (const ok of [1, 0]) {
      machine.helpers.lar = () => {
        machine.cells[L.SCRATCH >> 2] = ok
        return 0xcf9b00
      }
      machine.flags = ok ? 0x897 : 0x8d7
      machine.run([0x0f, 0x02, 0xc3])
      expect([get(L.EAX), machine.flags]).toEqual([0xcf9b00, ok ? 0x8d7 : 0x897])
    }
  })
  test('ARPL raises the RPL', () => {
    set(L.EAX, 0x70010)
    set(L.ECX, 3)
    machine.run([0x63, 0xc8])
    expect([get(L.EAX), machine.flags & 0x40]).toEqual([0x70013, 0x40])
    machine.run([0x63, 0xc8])
    expect([get(L.EAX), machine.flags & 0x40]).toEqual([0x70013, 0])
  })
})

describe('segment registers', () => {
  test('MOV SS ends the stretch, MOV DS only with a change of mode', () => {
    set(L.EAX, 0x10018)
    expect(machine.run([0x8e, 0xd0]).ending).toEqual(leaves)
    expect(machine.run([0x8e, 0xd8]).ending.kind).toBe('next')
    machine.helpers.load_segment = () => {
      machine.cells[L.MODE >> 2]!++
      return 0
    }
    expect(machine.run([0x8e, 0xd8]).ending).toEqual(leaves)
    expect(machine.calls[0]).toEqual(['load_segment', 2, 0x18])
  })
  test('PUSH and POP of a segment register use slots of the operand size', () => {
    machine.cells[L.segmentCell(L.FS, L.SEG_SELECTOR) >> 2] = 0x1234
    machine.write(WINDOW + 0x7fc, [1, 2, 3, 4])
    machine.run([0x0f, 0xa0])
    expect([...machine.read(WINDOW + 0x7fc, 4)]).toEqual([0x34, 0x12, 3, 4])
    machine.run([0x0f, 0xa1])
    expect(machine.calls).toEqual([['load_segment', 4, 0x1234]])
    expect(get(L.ESP)).toBe(WINDOW + 0x800)
  })
  test('a refused POP leaves ESP', () => {
    machine.helpers.load_segment = () => {
      machine.fault = { vector: 13, error: 0x18 }
      return 0
    }
    expect(machine.run([0x1f]).fault).toEqual({ vector: 13, error: 0x18 })
    expect(get(L.ESP)).toBe(WINDOW + 0x800)
  })
  test('LSS casts no shadow', () => {
    machine.helpers.load_segment = () => {
      machine.cells[L.SHADOW_KIND >> 2] = 2
      return 0
    }
    machine.write(WINDOW, [0, 8, 0, 0, 0x18, 0])
    expect(machine.run([0x0f, 0xb2, 0x25, ...absolute]).ending).toEqual(leaves)
    expect([get(L.ESP), cell(L.SHADOW_KIND)]).toEqual([0x800, 0])
  })
  test('LES loads both', () => {
    machine.write(WINDOW, [1, 2, 3, 4, 0x23, 0])
    machine.run([0xc4, 0x05, ...absolute])
    expect([get(L.EAX), machine.calls]).toEqual([0x04030201, [['load_segment', 0, 0x23]]])
  })
  test('limits are checked at both ends: #SS(0) for SS, #GP(0) for the others', () => {
    machine.mode = { ...machine.mode, flat: false }
    machine.segment(L.DS, WINDOW, 0xff)
    machine.segment(L.SS, WINDOW, 0xff)
    const at = (disp: number, prefix: number[] = []) =>
      machine.run([...prefix, 0xa1, disp & 0xff, disp >> 8, 0, 0]).fault
    expect(at(0xfc)).toBeUndefined()
    expect(at(0xfd)).toEqual(GP0)
    expect(at(0xfd, [0x36])).toEqual({ vector: 12, error: 0 })
    machine.segment(L.DS, WINDOW, 0xff, false)
    expect(machine.run([0xa3, 0, 0, 0, 0]).fault).toEqual(GP0)
  })
})

describe('far transfers and interrupts', () => {
  const transfers = { kind: 'stop', reason: STOP_TRANSFER }
  test('what the helpers are told', () => {
    machine.write(WINDOW, [1, 2, 3, 4, 0x23, 0])
    for (const code of [
      [0x9a, 0x78, 0x56, 0x34, 0x12, 0x08, 0],
      [0x66, 0xea, 0x34, 0x12, 0x10, 0],
      [0xff, 0x2d, ...absolute],
      [0xca, 8, 0],
      [0xcb],
      [0xcf],
      [0xcd, 0x80],
      [0xcc],
      [0xf1],
      [0x0f, 0x34],
    ])
      expect(machine.run(code, 0x1000).ending).toEqual(transfers)
    expect(machine.calls).toEqual([
      ['far_call', 8, 0x12345678, 4, 0x1007],
      ['far_jump', 0x10, 0x1234, 2, 0x1006],
      ['far_jump', 0x23, 0x04030201, 4, 0x1006],
      ['far_return', 4, 8],
      ['far_return', 4, 0],
      ['iret', 4, 0x1001],
      ['interrupt', 0x80, 0, 0x1002],
      ['interrupt', 3, 1, 0x1001],
      ['interrupt', 1, 3, 0x1001],
      ['sysenter', 0x1002],
    ])
    expect(cell(L.EIP)).toBe(0x1000)
  })
  test('INTO only with OF', () => {
    expect(machine.run([0xce]).ending.kind).toBe('next')
    machine.flags = 0xa02
    expect(machine.run([0xce]).ending).toEqual(transfers)
    expect(machine.calls).toEqual([['interrupt', 4, 2, 0x1001]])
  })
  test('BOUND compares signed', () => {
    machine.write(WINDOW, [0xf0, 0xff, 0xff, 0xff, 0x10, 0, 0, 0])
    for (const [index, inside] of [
      [-16, true],
      [16, true],
      [-17, false],
      [17, false],
    ] as const) {
      set(L.EAX, index)
      expect(machine.run([0x62, 0x05, ...absolute]).fault?.vector).toBe(inside ? undefined : 5)
    }
  })
  test('UD2 and instructions that are too long', () => {
    expect(machine.run([0x0f, 0x0b]).fault).toEqual({ vector: 6, error: undefined })
    expect(machine.run(Array(15).fill(0x66).concat(0x90)).fault).toEqual(GP0)
  })
  test('near branches beyond the limit of CS fault before they push', () => {
    machine.mode = { ...machine.mode, flat: false }
    machine.segment(L.CS, 0, 0x1fff)
    expect(machine.run([0xe8, 0xfb, 0x1f, 0, 0], 0x1000).fault).toEqual(GP0)
    expect(get(L.ESP)).toBe(WINDOW + 0x800)
    expect(machine.run([0xe8, 0xf0, 0x0f, 0, 0], 0x1000).eip).toBe(0x1ff5)
  })
})

describe('16-bit stacks', () => {
  test('SP wraps and the upper half of ESP stays', () => {
    machine.mode = { code32: false, flat: false, features: machine.mode.features }
    machine.cells[L.STACK_MASK >> 2] = 0xffff
    machine.map(0xf, 2)
    set(L.ESP, 0x12340000)
    set(L.EAX, 0xbeef)
    machine.run([0x50])
    expect(get(L.ESP)).toBe(0x1234fffe)
    expect([...machine.read(0xfffe, 2)]).toEqual([0xef, 0xbe])
    machine.run([0x66, 0x5b])
    expect(machine.fault).toEqual({ vector: 14, error: 0 })
    machine.map(0, 3)
    machine.run([0x5b])
    expect([get(L.ESP), get(L.EBX)]).toEqual([0x12340000, 0xbeef])
  })
})
