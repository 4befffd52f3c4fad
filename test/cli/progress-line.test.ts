// The progress line, on a standard error that says it is a terminal.
import { ProgressLine } from '../../src/cli/progress-line.js'

const { stderr } = process
const before = { write: stderr.write, isTTY: stderr.isTTY, columns: stderr.columns }
let written = ''
beforeEach(() => {
  written = ''
  stderr.write = text => {
    written += String(text)
    return true
  }
  stderr.columns = 60
})
afterEach(() => Object.assign(stderr, before))

test('a bar is drawn as wide as the share that is done, cut at the edge of the terminal, and removed', () => {
  stderr.isTTY = true
  const line = new ProgressLine('building')
  line.showShare(1, 2, 'CC      mm/memory.o and more text')
  expect(written).toBe(`\r\x1b[Kbuilding: [${'#'.repeat(15)}${'.'.repeat(15)}]  50 % CC      mm`)
  expect(written).toHaveLength('\r\x1b[K'.length + 59)
  line.clear()
  expect(written.endsWith('\r\x1b[K')).toBe(true)
})

test('nothing is drawn where there is no terminal', () => {
  stderr.isTTY = false
  const line = new ProgressLine('building')
  line.showShare(1, 2, 'CC mm/memory.o')
  line.clear()
  expect(written).toBe('')
})
