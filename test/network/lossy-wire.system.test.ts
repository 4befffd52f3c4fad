// Linux's TCP against ours over a wire that loses, repeats and reorders frames by a seed: streams in both directions and
// requests and answers give the same checksums as over a good wire, on native with an NE2000.
import { readFileSync } from 'node:fs'
import { buildImage, DEFAULT_COMMAND_LINE } from '../../images/index.js'
import { cpuModel } from '../../src/cpu/models.js'
import { loadLinux } from '../../src/loader/linux.js'
import { enter } from '../../src/machine/entry.js'
import { PacketLine } from '../../src/machine/line.js'
import { Machine } from '../../src/machine/machine.js'
import { connectUserNetwork } from '../../src/network/user-network.js'
import { random } from '../vmm/random.js'

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)
const MINUTES = 60_000
const BUDGET = 3_000_000_000
const LATE_NANOSECONDS = 3_000_000
const WORKLOADS = 'net-rr,net-up,net-down'

let files: { kernel: string; initrd: string }
beforeAll(async () => {
  const image = await buildImage('linux-net')
  files = { kernel: image.path, initrd: image.initrd }
}, 60 * MINUTES)

const read = (file: string) => ({ file, bytes: new Uint8Array(readFileSync(file)) })

/** Runs the workloads; the lines that end them, and how many frames had another fate than they should. */
function run(seed: number | undefined) {
  const near = new PacketLine('card')
  const far = new PacketLine('network')
  const machine = new Machine({ memory: 128 << 20, model: cpuModel('pentium3'), engine: 'blocks', network: near })
  connectUserNetwork(far, machine.clock)
  const next = random(seed ?? 1)
  const fates = { lost: 0, repeated: 0, late: 0, frames: 0 }
  const carry = (frame: Uint8Array, arrive: (frame: Uint8Array) => void) => {
    fates.frames++
    const fate = seed === undefined ? 255 : next() % 256
    if (fate < 4) fates.lost++
    else if (fate < 8) {
      fates.late++
      machine.clock.schedule(machine.now + (next() % LATE_NANOSECONDS), () => arrive(frame))
    } else {
      arrive(frame)
      if (fate < 12) {
        fates.repeated++
        arrive(frame.slice())
      }
    }
  }
  const toNetwork = far.output
  far.onInput = () => {
    for (let frame = far.take(); frame !== undefined; frame = far.take()) carry(frame, arriving => near.input(arriving))
  }
  near.output = frame => carry(frame, toNetwork)
  const commandLine = `${DEFAULT_COMMAND_LINE} workload=${WORKLOADS} scale=25`
  enter(
    machine.cpu,
    loadLinux(machine.memory, { kernel: read(files.kernel), initrd: read(files.initrd), commandLine }).entry,
  )
  let text = ''
  machine.onConsole = byte => {
    text += String.fromCharCode(byte)
  }
  const { kind } = machine.run(BUDGET)
  return { kind, fates, ends: text.split(/\r?\n/).filter(line => line.startsWith('previrt: end')) }
}

test(
  `what arrives is the same over a bad wire (seeds ${SEED} and ${SEED + 1})`,
  () => {
    const good = run(undefined)
    expect(good.ends.map(line => line.split(' ').at(-1))).toEqual(['0', '0', '0'])
    for (const seed of [SEED, SEED + 1]) {
      const bad = run(seed)
      process.stderr.write(`seed ${seed}: ${JSON.stringify(bad.fates)}\n`)
      expect(bad.fates.lost).toBeGreaterThan(0)
      expect({ seed, kind: bad.kind, ends: bad.ends }).toEqual({ seed, kind: good.kind, ends: good.ends })
    }
  },
  10 * MINUTES,
)
