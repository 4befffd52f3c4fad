// The pieces of the console: finding texts, holding output back, the escape key, markers.
import fc from 'fast-check'
import { GuestConsole, TextFinder } from '../../src/cli/console.js'
import { GuestProgress } from '../../src/cli/guest-progress.js'
import { EscapeKey } from '../../src/cli/terminal.js'

test('a text is found wherever String.indexOf finds it', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 60 })
  const wanted = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(letters, wanted, (text, needle) => {
      const finder = new TextFinder(needle)
      const end = [...Buffer.from(text)].findIndex(byte => finder.take(byte))
      const start = text.indexOf(needle)
      expect(end).toBe(start < 0 ? -1 : start + needle.length - 1)
    }),
  )
})

test('a text is compared as UTF-8', () => {
  const finder = new TextFinder('→ß')
  expect([...Buffer.from('x→ß')].map(byte => finder.take(byte))).toEqual([...Array(5).fill(false), true])
})

describe('the console', () => {
  const open = () => {
    const written: string[] = []
    const lines: string[] = []
    const sink = {
      write: (bytes: Uint8Array) => void written.push(Buffer.from(bytes).toString('latin1')),
      close: () => void written.push('closed'),
    }
    const console = new GuestConsole(
      sink,
      () => {},
      line => lines.push(line),
    )
    const put = (text: string) => {
      for (const byte of Buffer.from(text, 'latin1')) console.put(byte)
    }
    return { console, put, written, lines }
  }

  test('writes what is held back when it is flushed, unchanged', () => {
    const { console, put, written } = open()
    put('one\r\n\x00\xff')
    console.flush()
    console.flush()
    expect(written.join('')).toBe('one\r\n\x00\xff')
    console.end()
    expect(written.at(-1)).toBe('closed')
  })

  test('writes a line as soon as it ends', () => {
    const { put, written } = open()
    put('one\r\ntwo')
    expect(written[0]).toBe('one\r\n')
  })

  test('gives lines without their ends, the unfinished last one too', () => {
    const { console, put, lines } = open()
    put('one\r\ntwo\n\nrest')
    expect(lines).toEqual(['one', 'two', ''])
    console.end()
    expect(lines).toEqual(['one', 'two', '', 'rest'])
  })

  test('writes a long output in pieces and cuts only the line that is looked at', () => {
    const { console, put, written, lines } = open()
    put('x'.repeat(50_000))
    console.end()
    expect(written.join('')).toBe(`${'x'.repeat(50_000)}closed`)
    expect(lines).toEqual(['x'.repeat(1024)])
  })
})

test('the escape key', () => {
  const acts: string[] = []
  const key = new EscapeKey(what => acts.push(what))
  const type = (text: string) => Buffer.from(key.take(Buffer.from(text, 'latin1'))).toString('latin1')
  expect(type('ls\x03\r')).toBe('ls\x03\r')
  expect(type('a\x01')).toBe('a')
  expect(acts).toEqual([])
  expect(type('xb')).toBe('b')
  expect(acts).toEqual(['leave'])
  expect(type('\x01\x01\x01a\x01z')).toBe('\x01\x01\x01z')
  expect(type('\x01h')).toBe('')
  expect(acts).toEqual(['leave', 'help'])
})

test('markers must be whole lines, and belong together', () => {
  const progress = new GuestProgress()
  for (const line of ['x previrt: begin a', 'previrt: end a 1 0', 'previrt: begin b', 'previrt: end c 1 0'])
    progress.line(line)
  expect(progress.workloads).toEqual([{ name: 'b' }])
  expect(progress.failure).toBeUndefined()
})
