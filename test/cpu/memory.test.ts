// Accesses that cross pages, device memory, alignment checks (SDM vol. 3, 4.7, 6.15 #AC and #PF).
import { CPL, CR0, CR3, FAULT_LINEAR, FLAGS, SCRATCH } from '../../src/cpu/layout.js'
import { load, store } from '../../src/cpu/memory.js'
import { updateMode } from '../../src/cpu/mode.js'
import { Fixture } from './fixture.js'

/** Linear pages 0 and 1 map to physical 0x20000 and 0x30000 (or not), all rights. */
function twoPages(second: number) {
  const f = new Fixture()
  f.write32(0x10000, 0x11007)
  f.write32(0x11000, 0x20007, second)
  f.cpu.i32[CR3 >> 2] = 0x10000
  f.cpu.i32[CR0 >> 2] = 0x80000001 | 0
  f.cpu.refresh()
  return f
}

test('a load over two pages takes its bytes from both', () => {
  const f = twoPages(0x30007)
  f.write32(0x20ffc, 0x11223344)
  f.write32(0x30000, 0x55667788)
  expect(load(f.cpu, 0xffe, 4, false, false)).toBe(0x77881122)
  expect(load(f.cpu, 0xfff, 2, false, false)).toBe(0x8811)
  f.cpu.loadSlow(0xffc, 8, 0)
  expect(f.cpu.view.getBigUint64(SCRATCH, true)).toBe(0x5566778811223344n)
})
test('a store over two pages', () => {
  const f = twoPages(0x30007)
  store(f.cpu, 0xffd, 4, 0x0a0b0c0d, false)
  expect([f.read32(0x20ffc) >>> 8, f.read32(0x30000) & 0xff]).toEqual([0x0b0c0d, 0x0a])
  for (let i = 0; i < 16; i++) f.cpu.u8[SCRATCH + i] = i + 1
  f.cpu.storeSlow(0xff8, 16, 0)
  expect([f.read32(0x20ff8), f.read32(0x20ffc), f.read32(0x30000), f.read32(0x30004)]).toEqual([
    0x04030201, 0x08070605, 0x0c0b0a09, 0x100f0e0d,
  ])
})
test.each([0, 0x30005])('a store whose second page (entry %i) refuses it writes nothing', entry => {
  const f = twoPages(entry)
  f.write32(0x20ffc, 0)
  expect(store(f.cpu, 0xffe, 4, -1, true)).toBe(false)
  expect(f.cpu.u32[FAULT_LINEAR >> 2]).toBe(0x1000)
  expect(f.raised()).toBe(entry === 0 ? '14(6)' : '14(7)')
  expect(f.read32(0x20ffc)).toBe(0)
})
test('device memory is asked with the size of the access', () => {
  const f = new Fixture()
  store(f.cpu, 0xa0004, 4, -2, false)
  expect(load(f.cpu, 0xa0004, 4, false, false)).toBe(-2)
  load(f.cpu, 0xb8001, 2, false, false)
  expect(f.log.filter(l => !l.startsWith('mode') && !l.startsWith('flush'))).toEqual([
    'write a0004 4',
    'read a0004 4',
    'read b8001 2',
  ])
})
test('an access from memory into device memory is done bytewise beyond the border', () => {
  const f = new Fixture()
  f.write32(0x9fffc, 0x44332211)
  f.device.set(0xa0000, 0x55)
  expect(load(f.cpu, 0x9ffff, 2, false, false)).toBe(0x5544)
})
describe('alignment check', () => {
  test.each([
    ['all three conditions', 3, 0x40000, 0x40000, '17(0)'],
    ['CPL 0', 0, 0x40000, 0x40000, 'none'],
    ['no CR0.AM', 3, 0, 0x40000, 'none'],
    ['no EFLAGS.AC', 3, 0x40000, 0, 'none'],
  ])('%s', (_, cpl, am, ac, expected) => {
    const f = new Fixture()
    f.cpu.i32[CR0 >> 2] = 1 | am
    f.cpu.i32[FLAGS >> 2] = 2 | ac
    f.cpu.i32[CPL >> 2] = cpl
    updateMode(f.cpu)
    f.cpu.loadSlow(0x101, 2, 0)
    expect(f.raised()).toBe(expected)
    f.cpu.storeSlow(0x102, 4, 0)
    expect(f.raised()).toBe(expected)
    f.cpu.loadSlow(0x104, 8, 0)
    expect(f.raised()).toBe(expected)
    f.cpu.loadSlow(0x104, 4, 0)
    expect(f.raised()).toBe('none')
  })
})
