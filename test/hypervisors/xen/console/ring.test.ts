// The console's shared page: both directions, wrapping, a guest that reads late.

import { ConsoleRing } from '../../../../hypervisors/xen/console/ring.js'

const BUFFER = new ArrayBuffer(4096)

function ring() {
  const u8 = new Uint8Array(BUFFER).fill(0)
  const view = new DataView(BUFFER)
  let output = ''
  let notified = 0
  const page = new ConsoleRing(
    { u8, u32: new Uint32Array(BUFFER), changed: () => {} },
    0,
    byte => {
      output += String.fromCharCode(byte)
    },
    () => {
      notified++
    },
  )
  const index = (field: number) => view.getUint32(field, true)
  const set = (field: number, value: number) => view.setUint32(field, value, true)
  return { page, u8, index, set, output: () => output, notified: () => notified }
}

test('output in order, across the end of the ring', () => {
  const { page, u8, index, set, output, notified } = ring()
  set(3080, 0xfffffffe)
  set(3084, 0xfffffffe)
  for (const byte of Buffer.from('hello')) {
    u8[1024 + (index(3084) % 2048)] = byte
    set(3084, index(3084) + 1)
  }
  page.notified()
  expect(output()).toBe('hello')
  expect(index(3080)).toBe(index(3084))
  expect(notified()).toBe(1)
  page.notified()
  expect(notified()).toBe(1)
})

test('input waits until there is room', () => {
  const { page, u8, index, set } = ring()
  page.input(new Uint8Array(1500).fill(65))
  expect(index(3076)).toBe(1024)
  set(3072, 1000)
  page.notified()
  expect(index(3076)).toBe(1500)
  expect(u8[1499 % 1024]).toBe(65)
})

test('indices that make no sense are passed over', () => {
  const { page, set, output } = ring()
  set(3084, 9999)
  page.notified()
  expect(output()).toBe('')
})
