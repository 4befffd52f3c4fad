// A ROM that tests the processor by itself, from the reset vector on: real mode, protected mode, rings, paging, tasks,
// virtual-8086 mode. It says by POST codes how far it got and compares with values worked out from Intel's 386 manual.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cpuModel } from '../../src/cpu/models.js'
import { engineNames } from '../../src/engine/engines.js'
import { machineDigest } from '../../src/machine/digest.js'
import { Machine } from '../../src/machine/machine.js'
import { assembleFlat } from '../drivers/flat-code.js'

const parts = ['start', 'real', 'protected', 'paging', 'tasks', 'virtual', 'end']
const sources = parts.map(part => readFileSync(join(import.meta.dirname, 'rom-386', `${part}.s`), 'utf8'))
const rom = assembleFlat(sources.join('\n'), 0)

const run = (engine: (typeof engineNames)[number]) => {
  const machine = new Machine({ memory: 1 << 20, model: cpuModel('386'), engine })
  let text = ''
  machine.onConsole = byte => {
    text += String.fromCharCode(byte)
  }
  machine.memory.loadRom(0xf0000, rom)
  machine.reset()
  const result = machine.run(1_000_000)
  const failedAt = machine.cpu.view.getUint32(0x8000000 + 0x604, true).toString(16)
  const post = [...machine.platform.post.codes]
  return { result, text, post, failedAt: post.at(-1) === 0xee ? failedAt : '', machine }
}

test.each(engineNames)('the ROM passes on the %s engine', engine => {
  const { result, text, post, failedAt } = run(engine)
  expect({ post, text, failedAt }).toEqual({
    post: [0x01, 0x10, 0x20, 0x30, 0x40, 0x50, 0xff],
    text: 'real\nprotected\nrings\npaging\ntasks\nvirtual-8086\ndone\n',
    failedAt: '',
  })
  expect(result).toEqual({ kind: 'halted' })
})

test('all engines retire the same instructions', () => {
  const outcomes = engineNames.map(run).map(({ machine }) => [machine.retired, machineDigest(machine)])
  for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0])
})
