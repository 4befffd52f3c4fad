// Every exit status, from guests that end in every way.
import { existsSync, readFileSync } from 'node:fs'
import {
  com1,
  debugConsole,
  debugExit,
  halt,
  powerOff,
  previrt,
  reset,
  spin,
  testFolder,
  tripleFault,
  writeGuest,
} from './command.js'

const at = testFolder()
let guests = 0
const guest = (...parts: (readonly number[])[]) => writeGuest(at(`guest-${guests++}`), ...parts)
const run = (file: string, ...more: string[]) => previrt('run', '--multiboot', file, '--serial', 'none', ...more)

test.each([
  ['power-off', powerOff, [], 0, ''],
  ['reset', reset, [], 0, ''],
  ['debug exit 0', debugExit(0), [], 0, ''],
  ['debug exit 5', debugExit(5), [], 1, 'the guest reported 5'],
  ['debug exit 5, raw', debugExit(5), ['--debug-exit', 'raw'], 11, ''],
  ['debug exit 0, raw', debugExit(0), ['--debug-exit', 'raw'], 1, ''],
  ['halt', halt, [], 3, 'halted for ever with nothing to wake it at EIP 0x00100022'],
  ['halt that is wanted', halt, ['--halt-ok'], 0, ''],
  ['triple fault', tripleFault, [], 3, 'triple fault at EIP 0x00100020'],
  ['triple fault with --halt-ok', tripleFault, ['--halt-ok'], 3, 'triple fault'],
  ['budget', spin, ['--budget', '10K'], 4, 'budget of instructions is used up at EIP 0x00100020'],
  ['timeout', spin, ['--timeout', '0.05'], 4, 'timeout has passed at EIP 0x00100020'],
] as const)('%s', async (_, code, options, status, message) => {
  const outcome = await run(guest(code), ...options)
  expect(outcome.status).toBe(status)
  expect(outcome.stdout).toBe('')
  if (message === '') expect(outcome.stderr).toBe('')
  else expect(outcome.stderr).toMatch(new RegExp(`^previrt: .*${message}.*\\n$`))
})

describe('--expect', () => {
  test('ends with 0 as soon as the text has appeared, on COM1 and the debug console together', async () => {
    const file = guest(com1('ab aba'), debugConsole('bac'), com1('us'), spin)
    expect(await run(file, '--expect', 'ababacus', '--timeout', '20')).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  test('ends with 1 when the guest ends well before', async () => {
    const { status, stderr } = await run(guest(com1('almos'), powerOff), '--expect', 'almost')
    expect(status).toBe(1)
    expect(stderr).toBe('previrt: the guest ended before --expect was met\n')
  })

  test('does not hide a worse end', async () => {
    expect((await run(guest(tripleFault), '--expect', 'x')).status).toBe(3)
    expect((await run(guest(spin), '--expect', 'x', '--budget', '1K')).status).toBe(4)
  })

  test('counts even if the guest fails right behind it', async () => {
    expect((await run(guest(com1('here'), tripleFault), '--expect', 'here')).status).toBe(0)
  })
})

describe('panics', () => {
  const panic = '[    0.1] Kernel panic - not syncing: No working init found.\r\n'
  test.each([
    ['reset', reset],
    ['halt', halt],
    ['power-off', powerOff],
  ])('a kernel panic before the %s is status 3 and shown', async (_, end) => {
    const { status, stderr } = await run(guest(com1(panic), end))
    expect(status).toBe(3)
    expect(stderr).toMatch(/guest panic: .*No working init found\. at EIP 0x00100[0-9a-f]{3}\n$/)
  })

  test('--halt-ok does not excuse one', async () => {
    expect((await run(guest(com1(panic), halt), '--halt-ok')).status).toBe(3)
  })
})

test('a workload that failed makes the status 1, one that was skipped does not', async () => {
  const markers = (status: number) => com1(`previrt: begin pipe\nprevirt: end pipe 1234abcd ${status}\n`)
  expect((await run(guest(markers(77), markers(0), powerOff))).status).toBe(0)
  const { status, stderr } = await run(guest(markers(0), markers(2), powerOff))
  expect(status).toBe(1)
  expect(stderr).toBe('previrt: workload pipe ended with 2\n')
})

test('--serial file holds the bytes of both consoles in order, unchanged', async () => {
  const log = at('console')
  const file = guest(com1('A\r\n\xff'), debugConsole('\0B'), com1('C'), powerOff)
  expect((await previrt('run', '--multiboot', file, '--serial', `file:${log}`)).status).toBe(0)
  expect(readFileSync(log, 'latin1')).toBe('A\r\n\xff\0BC')
  expect(existsSync(`${log}.tmp`)).toBe(false)
})
