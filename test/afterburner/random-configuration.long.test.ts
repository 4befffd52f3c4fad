// A kernel whose configuration is drawn at random within i386, one processor and the fixed fragment: covered as well.
// SEED=n repeats a draw; the seed is printed.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { annotatingAssembler, prepareAssembler } from '../../images/assembler.js'
import { buildKernel } from '../../images/linux/kernel.js'
import { toolchainIdentity } from '../../images/toolchain.js'
import { inspectImage } from '../../src/afterburner/inspect/inspect.js'

const MINUTES = 60_000
const randomSeed = Number(process.env.SEED ?? Date.now() % 1_000_000)

test(
  'a random configuration is covered',
  async () => {
    process.stderr.write(`random configuration: SEED=${randomSeed}\n`)
    const toolchain = toolchainIdentity()
    const assembler = annotatingAssembler(toolchain)
    await prepareAssembler(assembler)
    const recipe = { fragments: ['guest.config'], steps: 2000, randomSeed }
    const folder = await buildKernel(`random-${randomSeed}`, recipe, toolchain, { assembler })
    const report = inspectImage('vmlinux', readFileSync(join(folder, 'vmlinux')))
    expect(report).toMatchObject({ uncovered: [], strayRecords: [], interiorReferences: [] })
  },
  60 * MINUTES,
)
