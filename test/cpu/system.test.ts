// Control registers, system segments, CPUID, MSRs, ports, SYSENTER, debug registers and flags instructions, against
// SDM vol. 2 and vol. 3 ch. 2, 5, 17.
import { afterStep, beforeStep, setDebugRegister, stepping } from '../../src/cpu/debug-registers.js'
import { helpers } from '../../src/cpu/helpers.js'
import { CPL, CR0, DR, FLAGS, INTR, MODE, SCRATCH, SHADOW_KIND } from '../../src/cpu/layout.js'
import { load } from '../../src/cpu/memory.js'
import { MODE_NO_FPU, MODE_PAGING, MODE_PROTECTED, updateMode } from '../../src/cpu/mode.js'
import { cpuModel, models } from '../../src/cpu/models.js'
import { Fixture } from './fixture.js'

function machine(cpl = 0, model = 'pentium4') {
  const f = new Fixture(model)
  f.protectedMode(cpl)
  return f
}
const call = (f: Fixture, name: string, ...args: number[]) => helpers[name]!(f.cpu, ...args)

describe('control registers', () => {
  test.each([
    ['PG without PE', 0, 0x80000000, '13(0)'],
    ['NW without CD', 0, 0x20000001, '13(0)'],
    ['CR4 bit that does not exist', 4, 0x2000, '13(0)'],
    ['CR1', 1, 0, '6'],
    ['CR4 bits of the model', 4, 0x2b4, 'none'],
  ])('%s', (_, n, value, expected) => {
    const f = machine()
    call(f, 'write_cr', n, value)
    expect(f.raised()).toBe(expected)
  })
  test('CPL 3 may not', () => {
    const f = machine(3)
    call(f, 'read_cr', 0)
    expect(f.raised()).toBe('13(0)')
    call(f, 'write_cr', 3, 0)
    expect(f.raised()).toBe('13(0)')
  })
  test('ET reads as 1; TS and EM show in MODE', () => {
    const f = machine()
    call(f, 'write_cr', 0, 0x9)
    expect(f.cpu.i32[CR0 >> 2]).toBe(0x19)
    expect(f.cpu.i32[MODE >> 2]! & MODE_NO_FPU).toBe(MODE_NO_FPU)
    call(f, 'clts')
    expect(f.cpu.i32[MODE >> 2]! & MODE_NO_FPU).toBe(0)
  })
  test('LMSW sets PE but does not clear it', () => {
    const f = new Fixture('386')
    call(f, 'lmsw', 0xffff)
    expect(f.cpu.i32[CR0 >> 2]).toBe(0xf)
    call(f, 'lmsw', 0)
    expect(f.cpu.i32[CR0 >> 2]).toBe(1)
    expect(f.cpu.i32[MODE >> 2]! & MODE_PROTECTED).toBe(MODE_PROTECTED)
  })
  test('the 386 has no CR4 and ignores WP', () => {
    const f = machine(0, '386')
    call(f, 'read_cr', 4)
    expect(f.raised()).toBe('6')
    call(f, 'write_cr', 0, 0x10001)
    expect(f.cpu.i32[CR0 >> 2]).toBe(1)
  })
  test('switching paging on and off changes what an address means', () => {
    const f = machine()
    f.write32(0x10000, 0x11003)
    f.write32(0x11000 + 4 * 4, 0x20003)
    f.write32(0x20000, 55)
    call(f, 'write_cr', 3, 0x10000)
    expect(load(f.cpu, 0x4000, 4, false, false)).toBe(0)
    call(f, 'write_cr', 0, 0x80000001)
    expect(load(f.cpu, 0x4000, 4, false, false)).toBe(55)
    expect(f.cpu.i32[MODE >> 2]! & MODE_PAGING).toBe(MODE_PAGING)
    call(f, 'write_cr', 0, 1)
    expect(load(f.cpu, 0x4000, 4, false, false)).toBe(0)
  })
  test('reserved bits in a page-directory pointer refuse PAE', () => {
    const f = machine()
    f.write32(0x10000, 0x11007)
    call(f, 'write_cr', 3, 0x10000)
    call(f, 'write_cr', 4, 0x20)
    call(f, 'write_cr', 0, 0x80000001)
    expect(f.raised()).toBe('13(0)')
    expect(f.cpu.i32[CR0 >> 2]! >>> 31).toBe(0)
  })
  test('back in real mode CS can be read, and CPL is 0', () => {
    const f = machine(0)
    call(f, 'write_cr', 0, 0)
    expect(f.cpu.state.cs.limit).toBe(0xffffffff)
    expect(f.cpu.cpl).toBe(0)
  })
})

describe('LTR and LLDT', () => {
  test.each([
    ['ltr', 0, '13(0)'],
    ['ltr', 0x34, '13(34)'],
    ['ltr', 0x28, '13(28)'], // busy
    ['ltr', 0x30, 'none'],
    ['ltr', 0x38, '11(38)'],
    ['lldt', 0, 'none'],
    ['lldt', 0x40, 'none'],
    ['lldt', 0x30, '13(30)'],
    ['lldt', 0x44, '13(44)'],
    ['lldt', 0x48, '11(48)'],
  ])('%s %i', (name, selector, expected) => {
    const f = machine()
    f.descriptor(0x1030, 0x5000, 0x67, 0x89, 0)
    f.descriptor(0x1038, 0x5000, 0x67, 0x09, 0)
    f.descriptor(0x1040, 0x5000, 0xff, 0x82, 0)
    f.descriptor(0x1048, 0x5000, 0xff, 0x02, 0)
    call(f, name, selector)
    expect(f.raised()).toBe(expected)
    if (selector === 0x30 && name === 'ltr') expect(f.read32(0x1034)).toBe(0x8b00)
  })
  test('not in real mode, not at CPL 3', () => {
    const f = new Fixture()
    call(f, 'ltr', 8)
    expect(f.raised()).toBe('6')
    const g = machine(3)
    call(g, 'lldt', 0)
    expect(g.raised()).toBe('13(0)')
  })
})

describe('LAR, LSL, VERR, VERW at CPL 3', () => {
  // access byte; selector; expected LAR, LSL (undefined: ZF 0), VERR, VERW
  test.each([
    [0xf3, 0x33, 0xc1f300, 0x12345fff, 1, 1],
    [0xf1, 0x33, 0xc1f100, 0x12345fff, 1, 0],
    [0xfb, 0x33, 0xc1fb00, 0x12345fff, 1, 0],
    [0xf9, 0x33, 0xc1f900, 0x12345fff, 0, 0],
    [0x93, 0x33, undefined, undefined, 0, 0],
    [0x9f, 0x33, 0xc19f00, 0x12345fff, 1, 0],
    [0xec, 0x33, 0xc1ec00, undefined, 0, 0],
    [0xee, 0x33, undefined, undefined, 0, 0],
    [0xe9, 0x33, 0xc1e900, 0x12345fff, 0, 0],
    [0xe2, 0x33, 0xc1e200, 0x12345fff, 0, 0],
    [0xf3, 0, undefined, undefined, 0, 0],
    [0xf3, 0x1008, undefined, undefined, 0, 0],
  ])('access %i selector %i', (access, selector, rights, limit, readable, writable) => {
    const f = machine(3)
    f.descriptor(0x1030, 0, 0x12345, access, 0xc)
    const checked = (name: string) => {
      const value = call(f, name, selector, 4)
      return f.cpu.i32[SCRATCH >> 2] === 1 ? value : undefined
    }
    expect([checked('lar'), checked('lsl')]).toEqual([rights, limit])
    expect([call(f, 'verr', selector), call(f, 'verw', selector)]).toEqual([readable, writable])
    expect(f.raised()).toBe('none')
  })
})

describe('CPUID', () => {
  const leaf = (f: Fixture, n: number) => {
    f.cpu.setRegister(0, n)
    call(f, 'cpuid')
    return [0, 3, 1, 2].map(r => f.cpu.register(r))
  }
  test('vendor and features', () => {
    const f = machine(0, 'previrt-guest')
    expect(leaf(f, 0).slice(1)).toEqual([0x756e6547, 0x6c65746e, 0x49656e69])
    // FPU TSC MSR CX8 CMOV MMX FXSR SSE SSE2 and nothing else.
    expect(leaf(f, 1)[3]).toBe([0, 4, 5, 8, 15, 23, 24, 25, 26].reduce((sum, bit) => sum + 2 ** bit, 0))
    expect(leaf(f, 10)).toEqual([0, 0, 0, 0])
  })
  test('the brand string', () => {
    const f = machine(0, 'pentium4')
    const bytes = [2, 3, 4].flatMap(n => leaf(f, 0x80000000 + n).flatMap(w => [0, 8, 16, 24].map(s => (w >>> s) & 255)))
    expect(String.fromCharCode(...bytes).replace(/\0+$/, '')).toBe(models.pentium4!.brand)
  })
  test('APIC disappears when its MSR switches it off', () => {
    const f = machine(0, 'pentium4')
    expect(leaf(f, 1)[3]! & 0x200).toBe(0x200)
    f.cpu.state = { msr: { apicBase: 0xfee00100 } }
    expect(leaf(f, 1)[3]! & 0x200).toBe(0)
  })
  test('the 486 has none; unknown names are refused', () => {
    const f = machine(0, '486')
    call(f, 'cpuid')
    expect(f.raised()).toBe('6')
    expect(() => cpuModel('z80')).toThrow(/use one of 386, 486, previrt-guest/)
  })
})

describe('MSRs and time', () => {
  const msr = (f: Fixture, name: string, n: number, low = 0, high = 0) => {
    f.cpu.setRegister(1, n)
    f.cpu.setRegister(0, low)
    f.cpu.setRegister(2, high)
    call(f, name)
    return [f.cpu.register(0), f.cpu.register(2)]
  }
  test('the TSC runs from where it was set', () => {
    const f = machine()
    f.ticks = 0x1_ffff_fff0
    msr(f, 'wrmsr', 0x10, 5, 7)
    f.ticks += 0x20
    expect(msr(f, 'rdmsr', 0x10)).toEqual([0x25, 7])
    f.ticks += 0xffff_fff0
    call(f, 'rdtsc')
    expect([f.cpu.register(0), f.cpu.register(2)]).toEqual([0x15, 8])
  })
  test('CR4.TSD keeps it from CPL 3', () => {
    const f = machine(3)
    f.cpu.state = { cr4: 4 }
    call(f, 'rdtsc')
    expect(f.raised()).toBe('13(0)')
  })
  test.each([
    ['previrt-guest', 0x174, '13(0)'],
    ['pentium3', 0x174, 'none'],
    ['pentium3', 0x1b, '13(0)'],
    ['pentium4', 0x277, 'none'],
    ['pentium4', 0xdead, '13(0)'],
    ['486', 0x10, '6'],
  ])('%s register %i', (model, n, expected) => {
    const f = machine(0, model)
    msr(f, 'rdmsr', n)
    expect(f.raised()).toBe(expected)
  })
  test('PAT refuses memory types that do not exist', () => {
    const f = machine()
    for (const [low, expected] of [
      [0x00070406, 'none'],
      [0x00070402, '13(0)'],
      [0x00070403, '13(0)'],
      [0x00070408, '13(0)'],
      [0x05010104, 'none'],
    ] as const) {
      msr(f, 'wrmsr', 0x277, low)
      expect(f.raised()).toBe(expected)
    }
  })
})

describe('ports', () => {
  test.each([
    ['CPL 0', 0, 0, 0x3f8, 'none'],
    ['IOPL 3', 3, 0x3000, 0x3f8, 'none'],
    ['bit clear', 3, 0, 0x10, 'none'],
    ['bit set', 3, 0, 0x13, '13(0)'],
    ['beyond the map', 3, 0, 0x3f8, '13(0)'],
    ['virtual-8086 mode looks at the map even with IOPL 3', 3, 0x23000, 0x13, '13(0)'],
  ])('%s', (_, cpl, flags, port, expected) => {
    const f = machine(cpl)
    f.write16(0x3066, 0x68)
    f.cpu.state = { eflags: flags | 2, tr: { limit: 0x6f } }
    f.write32(0x3068, 0x00080000, 0xffffffff)
    call(f, 'check_io', port, 1)
    expect(f.raised()).toBe(expected)
  })
  test('all bytes of the access count', () => {
    const f = machine(3)
    f.write16(0x3066, 0x68)
    f.write16(0x3068, 0x0100)
    f.cpu.state = { tr: { limit: 0x6f } }
    for (const [port, size, expected] of [
      [4, 4, 'none'],
      [5, 4, '13(0)'],
      [7, 1, 'none'],
      [7, 2, '13(0)'],
    ] as const) {
      call(f, 'check_io', port, size)
      expect(f.raised()).toBe(expected)
    }
  })
})

test('SYSENTER and SYSEXIT', () => {
  const f = machine(3)
  f.cpu.state = { msr: { sysenterCs: 0x100, sysenterEsp: 0x1111, sysenterEip: 0x2222 }, eflags: 0x202 }
  call(f, 'sysenter', 0)
  let s = f.cpu.state
  expect([s.eip, s.esp, s.cs.selector, s.ss.selector, f.cpu.cpl, s.eflags]).toEqual([
    0x2222, 0x1111, 0x100, 0x108, 0, 2,
  ])
  f.cpu.state = { ecx: 0x3333, edx: 0x4444 }
  call(f, 'sysexit')
  s = f.cpu.state
  expect([s.eip, s.esp, s.cs.selector, s.ss.selector, f.cpu.cpl]).toEqual([0x4444, 0x3333, 0x113, 0x11b, 3])
  expect([s.cs.rights, s.ss.rights, s.cs.limit]).toEqual([0xc0fb, 0xc0f3, 0xffffffff])
  call(f, 'sysexit')
  expect(f.raised()).toBe('13(0)')
})

describe('debug registers', () => {
  test('reserved bits, aliases, and GD', () => {
    const f = machine()
    call(f, 'write_dr', 6, 0)
    call(f, 'write_dr', 7, -1)
    expect([f.cpu.u32[(DR >> 2) + 6], f.cpu.u32[(DR >> 2) + 7]]).toEqual([0xffff0ff0, 0xffff27ff])
    call(f, 'read_dr', 4)
    expect(f.raised()).toBe('1')
    expect(f.cpu.u32[(DR >> 2) + 6]).toBe(0xffff2ff0)
  })
  test('DR4 with CR4.DE is #UD', () => {
    const f = machine()
    f.cpu.state = { cr4: 8 }
    call(f, 'read_dr', 4)
    expect(f.raised()).toBe('6')
  })
  test('an instruction breakpoint is a fault that RF suppresses', () => {
    const f = machine()
    setDebugRegister(f.cpu, 0, 0x4000)
    setDebugRegister(f.cpu, 7, 2)
    expect(stepping(f.cpu)).toBe(true)
    expect(beforeStep(f.cpu)).toBe(false)
    expect(f.raised()).toBe('1')
    expect(f.cpu.u32[(DR >> 2) + 6]).toBe(0xffff0ff1)
    f.cpu.state = { eflags: 0x10002 }
    expect(beforeStep(f.cpu)).toBe(true)
  })
  test.each([
    ['write, byte below', 1, 0x5003, 1, true, false],
    ['write into the last byte', 1, 0x5007, 1, true, true],
    ['read by a write breakpoint', 1, 0x5004, 4, false, false],
    ['read by a read/write breakpoint', 3, 0x5002, 4, false, true],
  ])('data breakpoint of 4 bytes at 5004: %s', (_, kind, linear, width, write, expected) => {
    const f = machine()
    f.gate(0x2008, 8, 0xb000, 0x8e)
    setDebugRegister(f.cpu, 1, 0x5004)
    setDebugRegister(f.cpu, 7, 0x8 | (kind << 20) | (3 << 22))
    expect(beforeStep(f.cpu)).toBe(true)
    if (write) f.cpu.storeSlow(linear, width, 0)
    else f.cpu.loadSlow(linear, width, 0)
    afterStep(f.cpu)
    expect([f.cpu.eip, f.cpu.u32[(DR >> 2) + 6]]).toEqual(expected ? [0xb000, 0xffff0ff2] : [0x4000, 0xffff0ff0])
  })
  test('TF traps after the instruction, not after MOV SS', () => {
    const f = machine()
    f.gate(0x2008, 8, 0xb000, 0x8e)
    f.cpu.state = { eflags: 0x102 }
    beforeStep(f.cpu)
    call(f, 'load_segment', 2, 0x10)
    f.cpu.i32[INTR >> 2] = 0
    const { retired } = f.cpu
    f.cpu.i32[0x130 >> 2]! -= 1
    expect(f.cpu.retired).toBe(retired + 1)
    afterStep(f.cpu)
    expect(f.cpu.eip).toBe(0x4000)
    beforeStep(f.cpu)
    f.cpu.i32[0x130 >> 2]! -= 1
    afterStep(f.cpu)
    expect([f.cpu.eip, f.cpu.u32[(DR >> 2) + 6], f.read32(0x9000 - 4)]).toEqual([0xb000, 0xffff4ff0, 0x102])
  })
})

describe('flags instructions', () => {
  test.each([
    ['POPF at CPL 3, IOPL 0', 3, 0x2, 'popf', 0x247fd7, 0x244dd7],
    ['POPF at CPL 0', 0, 0x2, 'popf', 0x3f7fd7, 0x247fd7],
    ['POPF in virtual-8086 mode with IOPL 3', 3, 0x23002, 'popf', 0x0202, 0x23202],
    ['STI at CPL 3, IOPL 3', 3, 0x3002, 'sti', 0, 0x3202],
    ['CLI at CPL 0', 0, 0x202, 'cli', 0, 0x2],
  ])('%s', (_, cpl, before, name, value, expected) => {
    const f = machine(cpl)
    f.cpu.state = { eflags: before }
    call(f, name, value, 4)
    expect(f.raised()).toBe('none')
    expect(f.cpu.state.eflags).toBe(expected)
  })
  test.each([
    ['sti', 3, 0x2],
    ['cli', 3, 0x1002],
    ['popf', 3, 0x22002],
    ['pushf_allowed', 3, 0x22002],
  ])('%s is refused', (name, cpl, flags) => {
    const f = machine(cpl)
    f.cpu.state = { eflags: flags }
    call(f, name, 0, 4)
    expect(f.raised()).toBe('13(0)')
  })
  test('STI with IF set leaves no shadow', () => {
    const f = machine(0)
    call(f, 'sti')
    expect(f.cpu.i32[SHADOW_KIND >> 2]).toBe(1)
    f.cpu.i32[SHADOW_KIND >> 2] = 0
    call(f, 'sti')
    expect([f.cpu.i32[SHADOW_KIND >> 2], f.cpu.i32[FLAGS >> 2]! & 0x200]).toEqual([0, 0x200])
  })
})

test('privileged helpers refuse CPL 3', () => {
  const f = machine(3)
  for (const name of ['lgdt', 'lidt', 'clts', 'invlpg', 'hlt', 'wbinvd', 'lmsw', 'rdmsr', 'wrmsr', 'check_cpl0']) {
    call(f, name, 0, 0)
    expect([name, f.raised()]).toEqual([name, '13(0)'])
  }
  expect(f.log).toEqual([])
  f.cpu.i32[CPL >> 2] = 0
  updateMode(f.cpu)
  call(f, 'hlt')
  expect(f.log).toContain('halt')
})
