// What --check-sites counts: sensitive instructions where guest kernels lie, trapping or not, below CPL 3; not those of the
// FPU, and none elsewhere.
import { SiteCheck } from '../../src/cli/site-check.js'
import { SymbolTable } from '../../src/loader/symbols.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { CODE, END_SERVICE } from '../drivers/random-program.js'

const DIRECTORY = 0x4000
const TABLE = 0x5000
const KERNEL = 0x80000000
/** cli; nop; pushf; popf; mov eax, ds; fninit; cli again by a jump back, once; int END_SERVICE */
const BODY = [0xfa, 0x90, 0x9c, 0x9d, 0x8c, 0xd8, 0xdb, 0xe3, 0x41, 0x83, 0xf9, 0x02, 0x75, 0xf2, 0xcd, END_SERVICE]

/** Runs the body at an address; what was missed, as offsets from there. */
function missedAt(base: number, user: boolean) {
  const machine = flatMachine(Uint8Array.from(BODY), { engine: 'blocks', paging: true, user })
  // The first 4 MiB appear at the kernel's addresses too.
  machine.memory.write(DIRECTORY + 4 * (KERNEL >>> 22), Uint8Array.of((TABLE & 0xff) | 7, TABLE >>> 8, 0, 0))
  machine.cpu.state = { eip: base + CODE }
  const check = new SiteCheck(machine)
  expect(machine.run(1000).kind).toBe('halted')
  return check.missed(SymbolTable.empty()).map(({ address, count }) => [address - base - CODE, count])
}

test('sensitive instructions of a kernel are counted by address', () => {
  expect(missedAt(KERNEL, false)).toEqual([
    [0, 2],
    [2, 2],
    [3, 2],
    [4, 2],
    [14, 1], // INT n
  ])
})

test('not elsewhere, and not those of programs', () => {
  expect(missedAt(0, false)).toEqual([])
  expect(missedAt(KERNEL, true)).toEqual([])
})
