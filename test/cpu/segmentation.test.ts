// Loading segment registers and what may be read and written through them (SDM vol. 2 MOV; vol. 3, 3.4.5, 5.2 to 5.6).
import {
  CPL,
  CS,
  DS,
  ES,
  MODE,
  SEG_BASE,
  SEG_LIMIT,
  SEG_READ_HIGH,
  SEG_READ_LOW,
  SEG_RIGHTS,
  SEG_SELECTOR,
  SEG_WRITE_HIGH,
  SEG_WRITE_LOW,
  SHADOW,
  SHADOW_KIND,
  SS,
  STACK_MASK,
  segmentCell,
} from '../../src/cpu/layout.js'
import { MODE_FLAT } from '../../src/cpu/mode.js'
import { loadSegment, moveToSegment } from '../../src/cpu/segmentation.js'
import { Fixture } from './fixture.js'

const cell = (f: Fixture, n: number, field: number) => f.cpu.u32[segmentCell(n, field) >> 2]!
const range = (f: Fixture, n: number) =>
  [SEG_READ_LOW, SEG_READ_HIGH, SEG_WRITE_LOW, SEG_WRITE_HIGH].map(field => cell(f, n, field))

function protectedWith(access: number, flags = 0xc, limit = 0xfffff, base = 0) {
  const f = new Fixture()
  f.protectedMode(0)
  f.descriptor(0x1030, base, limit, access, flags)
  return f
}

describe('ranges', () => {
  const none = [1, 0]
  test.each([
    ['read-only data', 0x91, 0, 0x1234, [0, 0x1234, ...none]],
    ['read/write data, pages', 0x93, 0x8, 0x12, [0, 0x12fff, 0, 0x12fff]],
    ['expand-down 16 bits', 0x97, 0, 0xfff, [0x1000, 0xffff, 0x1000, 0xffff]],
    ['expand-down 32 bits', 0x97, 0x4, 0xfff, [0x1000, 0xffffffff, 0x1000, 0xffffffff]],
    ['expand-down read-only', 0x95, 0x4, 0xfff, [0x1000, 0xffffffff, ...none]],
    ['expand-down with nothing above', 0x97, 0xc, 0xfffff, [...none, ...none]],
    ['expand-down 16 bits with nothing above', 0x97, 0, 0xffff, [...none, ...none]],
    ['readable code', 0x9b, 0x4, 0xffff, [0, 0xffff, ...none]],
  ] as const)('%s', (_, access, flags, limit, expected) => {
    const f = protectedWith(access, flags, limit)
    expect(loadSegment(f.cpu, DS, 0x30)).toBe(true)
    expect(range(f, DS)).toEqual(expected)
  })
  test('null: nothing', () => {
    const f = protectedWith(0x93)
    expect(loadSegment(f.cpu, ES, 3)).toBe(true)
    expect(range(f, ES)).toEqual([1, 0, 1, 0])
    expect([cell(f, ES, SEG_SELECTOR), cell(f, ES, SEG_RIGHTS)]).toEqual([3, 0x10000])
  })
  test('base, limit and rights out of the descriptor', () => {
    const f = protectedWith(0x92, 0x5, 0xabcde, 0x12345678)
    loadSegment(f.cpu, DS, 0x30)
    expect([SEG_BASE, SEG_LIMIT, SEG_RIGHTS].map(field => cell(f, DS, field))).toEqual([0x12345678, 0xabcde, 0x5093])
    // The accessed bit is set in memory too.
    expect(f.read32(0x1034)).toBe(0x125a9334)
  })
  test('real mode: base is the selector times 16, the limit stays', () => {
    const f = new Fixture('386')
    expect(loadSegment(f.cpu, DS, 0xb800)).toBe(true)
    expect([cell(f, DS, SEG_BASE), cell(f, DS, SEG_LIMIT)]).toEqual([0xb8000, 0xffff])
    expect(range(f, DS)).toEqual([0, 0xffff, 0, 0xffff])
  })
  test('virtual-8086 mode: limit FFFF and rights F3', () => {
    const f = new Fixture()
    f.protectedMode(3)
    f.cpu.state = { eflags: 0x20002 }
    loadSegment(f.cpu, DS, 0x1234)
    expect([SEG_BASE, SEG_LIMIT, SEG_RIGHTS].map(field => cell(f, DS, field))).toEqual([0x12340, 0xffff, 0xf3])
  })
})

describe('checks of MOV to DS', () => {
  test.each([
    ['system segment', 0x82, 0, 0x30, '13(30)'],
    ['execute-only code', 0x99, 0, 0x30, '13(30)'],
    ['DPL below CPL', 0x93, 3, 0x33, '13(30)'],
    ['DPL below RPL', 0xb3, 0, 0x33, '13(30)'],
    ['conforming code of any DPL', 0x9f, 3, 0x33, 'none'],
    ['not present', 0x13, 0, 0x30, '11(30)'],
    ['not present comes after privilege', 0x13, 3, 0x33, '13(30)'],
    ['beyond the table', 0x93, 0, 0x1000, '13(1000)'],
    ['no LDT', 0x93, 0, 0x34, '13(34)'],
  ])('%s', (_, access, cpl, selector, expected) => {
    const f = protectedWith(access)
    f.cpu.i32[CPL >> 2] = cpl
    loadSegment(f.cpu, DS, selector)
    expect(f.raised()).toBe(expected)
    if (expected !== 'none') expect(cell(f, DS, SEG_SELECTOR)).toBe(0x10)
  })
})

describe('checks of MOV to SS', () => {
  test.each([
    ['null', 0x93, 0, 0, '13(0)'],
    ['RPL is not CPL', 0x93, 0, 0x31, '13(30)'],
    ['DPL is not CPL', 0xb3, 0, 0x30, '13(30)'],
    ['read-only', 0x91, 0, 0x30, '13(30)'],
    ['code', 0x9b, 0, 0x30, '13(30)'],
    ['not present', 0x13, 0, 0x30, '12(30)'],
    ['good', 0xf3, 3, 0x33, 'none'],
  ])('%s', (_, access, cpl, selector, expected) => {
    const f = protectedWith(access)
    f.cpu.i32[CPL >> 2] = cpl
    loadSegment(f.cpu, SS, selector)
    expect(f.raised()).toBe(expected)
  })
  test('holds back interrupts until one more instruction has retired', () => {
    const f = protectedWith(0x93)
    moveToSegment(f.cpu, SS, 0x30)
    expect([f.cpu.i32[SHADOW_KIND >> 2], f.cpu.i32[SHADOW >> 2]]).toEqual([2, f.cpu.retired + 1])
  })
  test('a 16-bit stack segment narrows the stack', () => {
    const f = protectedWith(0x93, 0)
    expect(f.cpu.i32[STACK_MASK >> 2]).toBe(-1)
    loadSegment(f.cpu, SS, 0x30)
    expect(f.cpu.i32[STACK_MASK >> 2]).toBe(0xffff)
  })
})

describe('the flat bit of MODE', () => {
  const flat = (f: Fixture) => (f.cpu.i32[MODE >> 2]! & MODE_FLAT) !== 0
  test.each([
    ['base not 0', 0x93, 0xc, 0xfffff, 0x1000],
    ['limit below 4 GiB', 0x93, 0xc, 0xffffe, 0],
    ['read-only', 0x91, 0xc, 0xfffff, 0],
  ])('is lost with a DS: %s', (_, access, flags, limit, base) => {
    const f = protectedWith(access, flags, limit, base)
    expect(flat(f)).toBe(true)
    f.log.length = 0
    loadSegment(f.cpu, DS, 0x30)
    expect(flat(f)).toBe(false)
    loadSegment(f.cpu, DS, 0x10)
    expect(flat(f)).toBe(true)
    expect(f.log).toEqual(['mode', 'mode'])
  })
  test('does not depend on FS', () => {
    const f = protectedWith(0x93, 0, 0, 0x1000)
    loadSegment(f.cpu, 4, 0x30)
    expect(flat(f)).toBe(true)
  })
})

test('descriptors of the LDT', () => {
  const f = protectedWith(0x93)
  f.cpu.state = { ldtr: { selector: 0x38, base: 0x5000, limit: 0xf, rights: 0x82 } }
  f.descriptor(0x5008, 0x777, 0xff, 0x93, 0)
  expect(loadSegment(f.cpu, DS, 0xc)).toBe(true)
  expect(cell(f, DS, SEG_BASE)).toBe(0x777)
  expect(loadSegment(f.cpu, DS, 0x14)).toBe(false)
  expect(f.raised()).toBe('13(14)')
  expect(cell(f, CS, SEG_SELECTOR)).toBe(8)
})
