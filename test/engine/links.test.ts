// Links between regions: blocks too long for one region go on in each other, and a link must not outlive what it was made
// under. Code is written, at the head of a region and inside it, by its own address and by another; its page becomes
// another page; a return goes to two places. All engines in lockstep, the reference among them, which translates nothing.

import * as L from '../../src/cpu/layout.js'
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { Interpreter } from '../../src/engine/interpreter.js'
import { CLOSED, Links, UNLINKED } from '../../src/engine/links.js'
import { assembleFlat } from '../drivers/flat-code.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { CODE } from '../drivers/random-program.js'

const TABLE_ENTRY = `${0x5000 + 4 * (CODE / 0x1000 + 1)}`
const ROUNDS = 600
/** Each round goes from page 0 to page 1 and back; every 16th `change` is done. Page 2 is another page 1. */
const program = (change: string, leave = 'jmp far', comeBack = 'jmp back') => `
_start: mov $${ROUNDS}, %edi
top:    .rept 70; add %edi, %ebx; .endr
        ${leave}
back:   dec %edi
        test $15, %edi
        jnz 1f
        ${change}
1:      test %edi, %edi
        jnz top
        int $0x30
        .org 0x1000
far:    .rept 70; add $3, %eax; .endr
        ${comeBack}
        .org 0x2000
        .rept 70; sub $5, %eax; .endr
        ${comeBack === 'ret' ? comeBack : '.byte 0xe9; .long back - (far + 3 * 70 + 5)'}
        .org 0x3000`

async function run(source: string, seeds: readonly number[]) {
  const code = assembleFlat(source, CODE)
  const counts = { connected: 0, undone: 0 }
  for (const seed of seeds) {
    const lockstep = new Lockstep({
      seed,
      make: (engine, thresholds) => flatMachine(code, { engine, thresholds, paging: true }),
    })
    const result = lockstep.run(10_000_000)
    if (result.kind === 'difference') throw new Error(await lockstepReport(result))
    expect(result.kind).toBe('halted')
    const { engine } = lockstep.machines.at(-1)!.execution
    if (!(engine instanceof Interpreter)) throw new Error('the last engine has no links')
    counts.connected += engine.cache.links.connected
    counts.undone += engine.cache.links.undone
  }
  return counts
}
const SEEDS = [4, 6, 9]

test('regions are linked', async () => {
  const { connected, undone } = await run(program('nop'), SEEDS)
  expect(connected).toBeGreaterThan(0)
  expect(undone).toBe(0)
})
test.each([
  ['its head', 'far + 2'],
  ['the middle of the target', 'far + 3 * 20 + 2'],
  ['what follows the target', 'far + 3 * 69 + 2'],
])('%s is written', async (_, at) => {
  expect((await run(program(`incb ${at}`), SEEDS)).undone).toBeGreaterThan(0)
})
test('the source is written', async () => {
  await run(program('xorb $0x28, top'), SEEDS) // add becomes sub and back
})
test('the target is written by another linear address', async () => {
  // Page 3 becomes page 1's frame too.
  const alias = `movl $${(CODE + 0x1000) | 7}, ${TABLE_ENTRY} + 8; invlpg far + 0x2000; incb far + 0x2000 + 3 * 20 + 2`
  expect((await run(program(alias), SEEDS)).undone).toBeGreaterThan(0)
})
test.each([
  ['INVLPG', 'invlpg far'],
  ['a write of CR3', 'mov %cr3, %edx; mov %edx, %cr3'],
])('the page of the target becomes another, with %s', async (_, flush) => {
  const { connected } = await run(program(`xorl $0x3000, ${TABLE_ENTRY}; ${flush}`), SEEDS)
  expect(connected).toBeGreaterThan(0)
})
test('a return goes to two places', async () => {
  const calls = 'test $1, %edi; jz 2f; call far; jmp back; 2: call far; .rept 70; sub %edi, %ebx; .endr; jmp back'
  const { connected } = await run(program('nop', calls, 'ret'), SEEDS)
  expect(connected).toBeGreaterThan(0)
})

describe('exits', () => {
  const table = { set: () => {} } as unknown as WebAssembly.Table
  const make = () => {
    const i32 = new Int32Array((L.LINKS >> 2) + 64)
    const links = new Links(i32)
    const module = links.module()
    const [first, second] = [module.add(), module.add()]
    links.made(module, table)
    return { links, cell: (link: number) => i32[(L.LINKS >> 2) + link]!, first, second }
  }
  test('are open, linked, and open again', () => {
    const { links, cell, first, second } = make()
    expect(cell(first) & 1).toBe(1)
    links.connect(first, 0x1000, null)
    links.connect(second, 0x1000, null)
    links.connect(second, 0x2000, null)
    expect([cell(first), cell(second)]).toEqual([0x1000, 0x2000])
    links.forget(0x1000)
    expect([cell(first) & 1, cell(second)]).toEqual([1, 0x2000])
  })
  test('that go elsewhere all the time stay with the last, or are closed', () => {
    const { links, cell, first } = make()
    for (let n = 1; n <= 10; n++) links.connect(first, 0x1000 * n, null)
    const last = cell(first)
    expect(last % 0x1000).toBe(0)
    links.forget(last)
    links.connect(first, 0x1000, null)
    expect(cell(first)).toBe(CLOSED)
  })
  test('have the same numbers after all is cleared, and nothing links reasons to leave', () => {
    const { links, cell, first } = make()
    for (let n = 0; n <= UNLINKED; n++) expect(cell(n)).toBe(CLOSED)
    expect(first).toBeGreaterThan(UNLINKED)
    links.connect(first, 0x1000, null)
    links.clear()
    expect(links.module().add()).toBe(first)
    expect(cell(first) & 1).toBe(1)
  })
})
