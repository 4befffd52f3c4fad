// Page walks against SDM vol. 3, 4.3 to 4.8: rights, error codes, accessed and dirty bits, page sizes, reserved bits.
import { CPL, CR0, CR3, CR4, FAULT_LINEAR, RAM } from '../../src/cpu/layout.js'
import { load, store } from '../../src/cpu/memory.js'
import { updateMode } from '../../src/cpu/mode.js'
import { Fixture } from './fixture.js'

const DIRECTORY = 0x10000
const TABLE = 0x11000
const PAGE = 0x20000

/** Linear 0x00400000 -> PAGE through one directory and one table; entries as given. */
function mapped(pde: number, pte: number, cr0 = 0, cr4 = 0, model = 'pentium4') {
  const f = new Fixture(model)
  f.write32(DIRECTORY + 4, pde)
  f.write32(TABLE, pte)
  f.write32(PAGE, 0xcafe1234 | 0)
  f.cpu.i32[CR3 >> 2] = DIRECTORY
  f.cpu.i32[CR4 >> 2] = cr4
  f.cpu.i32[CR0 >> 2] = 0x80000001 | cr0
  f.cpu.refresh()
  return f
}
/** 'ok' or the #PF error code. */
function access(f: Fixture, write: boolean, user: boolean, linear = 0x400000): string {
  if (write) store(f.cpu, linear, 4, 1, user)
  else load(f.cpu, linear, 4, false, user)
  const raised = f.raised()
  return raised === 'none' ? 'ok' : raised
}

describe('rights (SDM vol. 3, 4.6 and 4.7)', () => {
  // user/supervisor and write bits of directory and table entry; WP; expected for kernel read, kernel write, user read, user write
  test.each([
    [0x7, 0x7, 0, 'ok', 'ok', 'ok', 'ok'],
    [0x5, 0x7, 0, 'ok', 'ok', 'ok', '14(7)'],
    [0x7, 0x5, 0, 'ok', 'ok', 'ok', '14(7)'],
    [0x7, 0x5, 0x10000, 'ok', '14(3)', 'ok', '14(7)'],
    [0x5, 0x7, 0x10000, 'ok', '14(3)', 'ok', '14(7)'],
    [0x3, 0x7, 0, 'ok', 'ok', '14(5)', '14(7)'],
    [0x7, 0x3, 0, 'ok', 'ok', '14(5)', '14(7)'],
    [0x3, 0x1, 0x10000, 'ok', '14(3)', '14(5)', '14(7)'],
    [0x6, 0x7, 0, '14(0)', '14(2)', '14(4)', '14(6)'],
    [0x7, 0x6, 0, '14(0)', '14(2)', '14(4)', '14(6)'],
  ])('pde %i pte %i WP %i', (pde, pte, wp, ...expected) => {
    const run = (write: boolean, user: boolean) => access(mapped(TABLE | pde, PAGE | pte, wp), write, user)
    expect([run(false, false), run(true, false), run(false, true), run(true, true)]).toEqual(expected)
    // The same when the translation is already in the tables.
    const f = mapped(TABLE | pde, PAGE | pte, wp)
    const again = [false, true].flatMap(user => [false, true].map(write => access(f, write, user)))
    expect(again).toEqual(expected)
  })
  test('the linear address of the fault is kept for CR2', () => {
    const f = mapped(TABLE | 7, 0)
    access(f, false, false, 0x400abc)
    expect(f.cpu.u32[FAULT_LINEAR >> 2]).toBe(0x400abc)
  })
})

describe('accessed and dirty bits (4.8)', () => {
  test('a read sets A in both entries, a write D in the last', () => {
    const f = mapped(TABLE | 7, PAGE | 7)
    expect(load(f.cpu, 0x400000, 4, false, false)).toBe(0xcafe1234 | 0)
    expect([f.read32(DIRECTORY + 4), f.read32(TABLE)]).toEqual([TABLE | 0x27, PAGE | 0x27])
    store(f.cpu, 0x400000, 4, 5, false)
    expect([f.read32(DIRECTORY + 4), f.read32(TABLE)]).toEqual([TABLE | 0x27, PAGE | 0x67])
    expect(f.read32(PAGE)).toBe(5)
  })
  test('a refused access sets nothing', () => {
    const f = mapped(TABLE | 7, PAGE | 5)
    expect(access(f, true, true)).toBe('14(7)')
    expect([f.read32(DIRECTORY + 4), f.read32(TABLE)]).toEqual([TABLE | 7, PAGE | 5])
  })
})

describe('large pages', () => {
  test('4 MiB with PSE; the bit is ignored without', () => {
    const f = mapped(0x87, 0, 0, 0x10)
    f.write32(0x12344, 77)
    expect(load(f.cpu, 0x412344, 4, false, true)).toBe(77)
    expect(f.read32(DIRECTORY + 4)).toBe(0xa7)
    const g = mapped(TABLE | 0x87, PAGE | 7)
    expect(load(g.cpu, 0x400000, 4, false, true)).toBe(0xcafe1234 | 0)
  })
  test('PSE-36: bits 13-16 are address bits 32-35, bits 17-21 reserved', () => {
    const f = mapped(0x87 | 0x2000, 0, 0, 0x10)
    f.device.set(0x100012344, 9)
    expect(load(f.cpu, 0x412344, 4, false, false)).toBe(9)
    expect(access(mapped(0x87 | 0x20000, 0, 0, 0x10), false, false)).toBe('14(9)')
  })
  test('without PSE-36 bits 13-21 are reserved', () => {
    expect(access(mapped(0x87 | 0x2000, 0, 0, 0x10, 'pentium3'), true, true)).toBe('14(f)')
  })
  test('INVLPG drops the whole large page', () => {
    const f = mapped(0x87, 0, 0, 0x10)
    load(f.cpu, 0x412344, 4, false, false)
    f.write32(DIRECTORY + 4, 0)
    f.cpu.tlb.invalidate(0x401)
    expect(access(f, false, false, 0x412344)).toBe('14(0)')
  })
})

describe('PAE', () => {
  function pae(pdpte: number, pde: [number, number], pte: [number, number]) {
    const f = new Fixture('pentium4')
    f.write32(0x12000, pdpte, 0)
    f.write32(DIRECTORY + 8 * 2, ...pde)
    f.write32(TABLE, ...pte)
    f.write32(PAGE, 42)
    const { cpu } = f
    cpu.i32[CR3 >> 2] = 0x12000
    cpu.state = { cr0: 0x80000001, cr4: 0x20, cs: { selector: 8 } }
    return f
  }
  test('4 KiB pages', () => {
    const f = pae(DIRECTORY | 1, [TABLE | 7, 0], [PAGE | 7, 0])
    expect(load(f.cpu, 0x400000, 4, false, true)).toBe(42)
    expect([f.read32(DIRECTORY + 16), f.read32(TABLE)]).toEqual([TABLE | 0x27, PAGE | 0x27])
  })
  test('2 MiB pages and their reserved bits', () => {
    const f = pae(DIRECTORY | 1, [0x87, 0], [0, 0])
    expect(load(f.cpu, 0x420000, 4, false, true)).toBe(42)
    expect(access(pae(DIRECTORY | 1, [0x87 | 0x2000, 0], [0, 0]), false, false)).toBe('14(9)')
  })
  test('address bits 36 and above are reserved', () => {
    expect(access(pae(DIRECTORY | 1, [TABLE | 7, 0x10], [PAGE | 7, 0]), false, false)).toBe('14(9)')
    expect(access(pae(DIRECTORY | 1, [TABLE | 7, 0], [PAGE | 7, 0x80000000 | 0]), true, true)).toBe('14(f)')
  })
  test('a pointer that is not present', () => {
    expect(access(pae(0, [TABLE | 7, 0], [PAGE | 7, 0]), true, false)).toBe('14(2)')
  })
})

describe('translation tables', () => {
  test('global pages survive a CR3 write with PGE, others do not', async () => {
    const { writeCr3 } = await import('../../src/cpu/control-registers.js')
    for (const [entry, after] of [
      [0x107, 'ok'],
      [0x7, '14(0)'],
    ] as const) {
      const f = mapped(TABLE | 7, PAGE | entry, 0, 0x80)
      expect(access(f, false, false)).toBe('ok')
      f.write32(TABLE, 0)
      writeCr3(f.cpu, DIRECTORY)
      expect(access(f, false, false)).toBe(after)
      f.cpu.tlb.flush(true)
      expect(access(f, false, false)).toBe('14(0)')
    }
  })
  test('a page with code reports stores, from before and after the mark', () => {
    const f = mapped(TABLE | 7, PAGE | 7)
    store(f.cpu, 0x400000, 4, 1, false)
    expect(f.log.filter(l => l.startsWith('code'))).toEqual([])
    f.cpu.tlb.markCode(RAM + PAGE)
    store(f.cpu, 0x400010, 2, 1, false)
    f.cpu.tlb.flush(true)
    store(f.cpu, 0x400020, 1, 1, true)
    expect(f.log.filter(l => l.startsWith('code'))).toEqual(['code 20010 2', 'code 20020 1'])
    f.cpu.tlb.unmarkCode(RAM + PAGE)
    store(f.cpu, 0x400030, 1, 1, true)
    expect(f.log.filter(l => l.startsWith('code'))).toHaveLength(2)
  })
  test('the slow path of CPL 3 uses user rights', () => {
    const f = mapped(TABLE | 7, PAGE | 3)
    f.cpu.i32[CPL >> 2] = 3
    updateMode(f.cpu)
    f.cpu.loadSlow(0x400000, 4, 0)
    expect(f.raised()).toBe('14(5)')
    f.cpu.loadSlow(0x400000, 4, 1)
    expect(f.raised()).toBe('14(7)')
  })
})
