// The whole annotated Linux, rewritten, on the VMM without a hypervisor (vmm/bare): the workloads' checksums are the native
// ones, and no sensitive instruction is left to the processor.
import { readFileSync } from 'node:fs'
import { buildImage, DEFAULT_COMMAND_LINE, type Image } from '../../images/index.js'
import { cpuModel } from '../../src/cpu/models.js'
import { settleAlternatives } from '../../src/loader/alternatives.js'
import { parseElf } from '../../src/loader/elf.js'
import { loadLinux } from '../../src/loader/linux.js'
import { linuxFeatures } from '../../src/loader/linux-features.js'
import { enter } from '../../src/machine/entry.js'
import { Machine } from '../../src/machine/machine.js'
import { VIRTUAL_CPU_FIELDS, virtualCpuAddress } from '../../src/rewriter/virtual-cpu.js'
import { bareMachine, buildVmm } from './bare-machine.js'

const MEMORY = 128 << 20
const BUDGET = 6_000_000_000
const COMMAND_LINE = `${DEFAULT_COMMAND_LINE} workload=syscall,fork,exec,pipe,mmap,fault,signal,switch,fpu,tls,smc,loop scale=5`
const markers = (text: string) => text.split(/\r?\n/).filter(line => line.startsWith('previrt: '))

const read = (file: string) => ({ file, bytes: new Uint8Array(readFileSync(file)) })

function settled(image: Image) {
  const { features, signature } = cpuModel('previrt-guest')
  const cpuid = (leaf: number) => ({ eax: leaf === 0 ? 2 : signature, ebx: 0, ecx: 0, edx: leaf === 1 ? features : 0 })
  const elf = parseElf(image.path, readFileSync(image.path))
  return { file: image.path, bytes: settleAlternatives(elf, linuxFeatures(cpuid)).bytes }
}

function play(machine: Machine) {
  let text = ''
  machine.onConsole = byte => {
    text += String.fromCharCode(byte)
  }
  const result = machine.run(BUDGET)
  return { lines: markers(text), result }
}

test('Linux runs the kernel workloads rewritten, with native checksums', async () => {
  const image = await buildImage('linux')
  const guest = { kernel: settled(image), initrd: read(image.initrd), commandLine: COMMAND_LINE }
  const native = new Machine({ memory: MEMORY, model: cpuModel('previrt-guest'), engine: 'blocks' })
  enter(native.cpu, loadLinux(native.memory, guest).entry)
  const expected = play(native)
  expect(expected.lines.at(-1)).toBe('previrt: done')
  expect(expected.result.kind).toBe('reset')

  const { machine, missed, outcome, word } = bareMachine(buildVmm('bare', 'vmm-bare.elf'), { ...guest, memory: MEMORY })
  expect(outcome.gone).toEqual([])
  expect(play(machine)).toEqual(expected)
  expect(Object.fromEntries(missed)).toEqual({})
  const shadow = VIRTUAL_CPU_FIELDS.filter(({ name }) => name.startsWith('shadow_'))
  const counts = shadow.map(({ name }) => `${name} ${word(virtualCpuAddress(name))}`).join(', ')
  process.stderr.write(`instructions: ${native.retired} natively, ${machine.retired} with the VMM; ${counts}\n`)
}, 3_600_000)
