// Traces and profiles: what is expected is read off the guests' few instructions.
import { readFileSync } from 'node:fs'
import { Trace } from '../../src/debug/trace.js'
import { SymbolTable } from '../../src/loader/symbols.js'
import { runKernel } from '../machine/kernel.js'
import { CODE, halt, post, powerOff, previrt, spin, testFolder, writeGuest } from './command.js'

const at = testFolder()
const address = (offset: number) => (CODE + offset).toString(16).padStart(8, '0')

test('a trace shows each instruction before it is executed, and each port', async () => {
  const guest = writeGuest(at('guest'), post(7), powerOff)
  const words = ['run', '--multiboot', guest, '--serial', 'none', '--trace', 'instructions,ports']
  const { status, stderr } = await previrt(...words)
  const lines = stderr.split('\n').map(line => line.trim().replace(/ +/g, ' '))
  expect(lines.slice(0, 5)).toEqual([
    expect.stringMatching(new RegExp(`^0 [0-9a-f]{4}:${address(0)} 66 ba 80 00 mov dx,80h$`)),
    expect.stringMatching(new RegExp(`^1 [0-9a-f]{4}:${address(4)} b0 07 mov al,7h$`)),
    expect.stringMatching(new RegExp(`^2 [0-9a-f]{4}:${address(6)} ee out dx,al$`)),
    '2 out 0080 07',
    expect.stringMatching(new RegExp(`^3 [0-9a-f]{4}:${address(7)} 66 ba 04 06 mov dx,604h$`)),
  ])
  expect(lines).toContain('5 out 0604 2000')
  expect(status).toBe(0)
})

test('a trace shows exceptions, INT n and interrupts, the same on every engine', () => {
  const lines: string[] = []
  const prepare: NonNullable<Parameters<typeof runKernel>[1]>['prepare'] = machine => {
    lines.push('start')
    const help = { symbols: () => SymbolTable.empty(), disassemble: () => ({ text: '', length: 0, code: '' }) }
    new Trace(machine, ['exceptions'], { ...help, write: line => lines.push(line.trim()) })
  }
  const { machine } = runKernel(
    `
    gate 6, undefined
    gate 0x80, call
    int $0x80
    ud2
    call: iret
    undefined: finish 0
  `,
    { prepare },
  )
  const each = lines.join('\n').split('start\n').slice(1)
  expect(each).toHaveLength(3)
  for (const one of each) expect(one.trim()).toBe(each[0]!.trim())
  const retired = machine.retired
  // Behind UD2's delivery: mov and out. Before it: iret, of which INT is the one before.
  expect(each[0]!.trim().split('\n')).toEqual([
    expect.stringMatching(new RegExp(`^${retired - 4} software 128 at 001000[0-9a-f]{2}, CPL 0 now$`)),
    expect.stringMatching(new RegExp(`^${retired - 2} exception 6 at 001000[0-9a-f]{2}, CPL 0 now$`)),
  ])
})

test('a profile has a sample every 100003 instructions', async () => {
  const words = ['run', '--multiboot', writeGuest(at('spin'), spin), '--serial', 'none', '--budget', '1M']
  expect((await previrt(...words, '--profile', at('profile'))).status).toBe(4)
  expect(readFileSync(at('profile'), 'utf8')).toBe(
    [
      '# 10 samples, one every 100003 instructions; kernel 100.00 %, user   0.00 %',
      '# per cent, samples, level, symbol or address',
      ` 100.00       10  kernel  0x${address(0)}`,
      '',
    ].join('\n'),
  )
  const refused = await previrt('run', '--multiboot', writeGuest(at('halt'), halt), '--profile', '/nowhere/profile')
  expect(refused.stderr).toMatch(/^previrt: --profile \/nowhere\/profile: cannot be written \(ENOENT\); give [^\n]+\n$/)
  expect(refused.status).toBe(2)
})
