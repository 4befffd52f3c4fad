// Where things lie in a new domain: the order and the figures that were measured on a real Xen.

import { hypercallPage } from '../../../../hypervisors/xen/build/hypercall-page.js'
import { layOut } from '../../../../hypervisors/xen/build/layout.js'
import { startInfoPage } from '../../../../hypervisors/xen/build/start-info.js'

const image = { base: 0xc0000000, moduleBytes: 5000, unmappedModule: false, pages: 2048, privileged: true }

test.each([0, 0xc0000000])('4 MiB at 0x%i take seven frames of tables in the control domain', base => {
  const layout = layOut({ ...image, base, imageEnd: base + 0x21234 })
  expect(layout).toMatchObject({
    module: base + 0x22000,
    frameList: base + 0x24000,
    startInfo: base + 0x26000,
    tables: base + 0x27000,
    tableFrames: 7,
    firstDirectory: 0,
    stack: base + 0x2e000,
    end: base + 0x400000,
    memoryEnd: base + 0x400000,
  })
})

// By count_pgtables() of Xen's tools/libs/guest/xg_dom_x86.c: the directories from that of the base to that of slot 3.
test.each([
  [0, 7],
  [0x40000000, 6],
  [0xc0000000, 4],
])('another domain at 0x%i has %i frames of tables, and shared pages', (base, tableFrames) => {
  const layout = layOut({ ...image, base, imageEnd: base + 0x21234, privileged: false })
  expect(layout).toMatchObject({
    startInfo: base + 0x26000,
    store: base + 0x27000,
    console: base + 0x28000,
    tableFrames,
  })
  expect(layout).toMatchObject({ tables: base + 0x29000, stack: layout.tables + tableFrames * 0x1000 })
})

test('a module that is not mapped lies behind what is', () => {
  const layout = layOut({ ...image, imageEnd: 0xc0021234, unmappedModule: true })
  expect(layout).toMatchObject({ frameList: 0xc0022000, end: 0xc0400000, module: 0xc0400000, memoryEnd: 0xc0402000 })
})

test('the control domain has no shared pages; 512 KiB at least stay free', () => {
  const layout = layOut({ ...image, imageEnd: 0xc0378000, moduleBytes: 0, pages: 4096 })
  expect(layout).toMatchObject({ store: 0, console: 0, tables: layout.startInfo + 0x1000 })
  expect(layout.end - layout.stack - 0x1000).toBeGreaterThanOrEqual(0x80000)
  expect(layout.end % 0x400000).toBe(0)
  expect(layout.tableFrames).toBe(9)
})

test('start_info at its offsets', () => {
  const page = startInfoPage({
    privileged: false,
    pages: 0x8000,
    sharedInfo: 0x400000,
    store: { frame: 0x10, port: 1 },
    console: { frame: 0x11, port: 2 },
    tables: 0xc0029000,
    tableFrames: 7,
    frameList: 0xc0024000,
    module: { unmapped: true, place: 0x400, bytes: 5000 },
    commandLine: 'a=b',
  })
  const words = new Uint32Array(page.buffer, 32, 12)
  expect(Buffer.from(page.subarray(0, 16)).toString()).toBe('xen-3.0-x86_32p\0')
  expect([...words]).toEqual([0x8000, 0x400000, 8, 0x10, 1, 0x11, 2, 0xc0029000, 7, 0xc0024000, 0x400, 5000])
  expect(Buffer.from(page.subarray(80, 84)).toString()).toBe('a=b\0')
})

test('the page of hypercalls', () => {
  const page = hypercallPage()
  expect(page.length).toBe(4096)
  expect(Buffer.from(page.subarray(32 * 29, 32 * 29 + 9)).toString('hex')).toBe('b81d000000cd82c3cc')
  expect(Buffer.from(page.subarray(32 * 23, 32 * 23 + 9)).toString('hex')).toBe('50b817000000cd82cc')
})
