// The whole VMM on a real guest before there is a hypervisor: mini, rewritten, on vmm/bare. Every workload and the check of
// every sensitive instruction give what they give natively, no sensitive instruction is left to the processor, and that
// whatever the interrupts' timing is.
import { readFileSync } from 'node:fs'
import { buildImage } from '../../images/index.js'
import { cpuModel } from '../../src/cpu/models.js'
import { loadLinux } from '../../src/loader/linux.js'
import { enter } from '../../src/machine/entry.js'
import { Machine } from '../../src/machine/machine.js'
import { virtualCpuAddress } from '../../src/rewriter/virtual-cpu.js'
import { bareMachine, buildVmm } from './bare-machine.js'
import { random } from './random.js'

const MEMORY = 32 << 20
const BUDGET = 4_000_000_000
const markers = (text: string) => text.split(/\r?\n/).filter(line => line.startsWith('previrt: '))

function play(machine: Machine, slice: () => number) {
  let text = ''
  machine.onConsole = byte => {
    text += String.fromCharCode(byte)
  }
  for (;;) {
    const result = machine.run(slice())
    if (result.kind !== 'budget' || machine.retired > BUDGET) return { text, result }
  }
}

let vmm = ''
let kernel = { file: 'mini', bytes: new Uint8Array() }
beforeAll(async () => {
  vmm = buildVmm('bare', 'vmm-bare.elf')
  const { path } = await buildImage('mini')
  kernel = { file: path, bytes: new Uint8Array(readFileSync(path)) }
}, 120_000)

function native(commandLine: string): string[] {
  const machine = new Machine({ memory: MEMORY, model: cpuModel('previrt-guest'), engine: 'blocks' })
  enter(machine.cpu, loadLinux(machine.memory, { kernel, commandLine }).entry)
  return markers(play(machine, () => 50_000_000).text)
}

test('mini runs everything rewritten, with native checksums and no sensitive instruction left', () => {
  const expected = native('')
  expect(expected.at(-1)).toBe('previrt: done')
  const { machine, missed } = bareMachine(vmm, { kernel, commandLine: '', memory: MEMORY })
  const { text, result } = play(machine, () => 50_000_000)
  expect({ text: markers(text), result }).toEqual({ text: expected, result: { kind: 'power-off' } })
  expect(Object.fromEntries(missed)).toEqual({})
}, 600_000)

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)
const RUNS = 24

test(`results do not depend on when interrupts come (seeds ${SEED} to ${SEED + RUNS - 1})`, () => {
  const commandLine = 'workload=syscall,fork,exec,pipe,fault,signal,switch,tls,sensitive'
  const expected = native(commandLine)
  let restarts = 0
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    const next = random(seed)
    const { machine, missed, word } = bareMachine(vmm, { kernel, commandLine, memory: MEMORY })
    const line = machine.platform.pic.irq[4]!
    // Time jumps by up to 4 ms, so that the guest's ticks come anywhere; and the console's line makes events of no meaning.
    const { text, result } = play(machine, () => {
      if (next() % 4 === 0) machine.haltedNanoseconds += next() % 4_000_000
      line.set(next() % 3 === 0)
      return 1 + (next() % (next() % 8 === 0 ? 20_000 : 400))
    })
    if (result.kind !== 'power-off') process.stderr.write(text.slice(-300))
    expect({ seed, text: markers(text), result }).toEqual({ seed, text: expected, result: { kind: 'power-off' } })
    expect(Object.fromEntries(missed)).toEqual({})
    restarts += word(virtualCpuAddress('restarts'))
  }
  process.stderr.write(`${restarts} events in sections that started again\n`)
  expect(restarts).toBeGreaterThan(RUNS)
}, 1_200_000)
