// The whole annotated Linux kernel: covered, and equal to its plain twin but for padding.
import { readFileSync } from 'node:fs'
import { buildImage, type Image } from '../../images/index.js'
import { compareImages } from '../../src/afterburner/inspect/against.js'
import { inspectImage } from '../../src/afterburner/inspect/inspect.js'

const MINUTES = 60_000

let annotated: Image
let plain: Image
beforeAll(async () => {
  annotated = await buildImage('linux')
  plain = await buildImage('linux', { plain: true })
}, 30 * MINUTES)

test(
  'every sensitive instruction is a site, and nothing enters one',
  () => {
    const report = inspectImage('vmlinux', readFileSync(annotated.path))
    expect(report).toMatchObject({ uncovered: [], strayRecords: [], interiorReferences: [], invalidBytes: 0 })
    expect(report.sites).toBeGreaterThan(4300)
  },
  2 * MINUTES,
)

test(
  'the kernel is the plain one plus padding',
  () => {
    const read = (image: Image) => readFileSync(image.path)
    const report = compareImages('vmlinux', read(annotated), 'plain vmlinux', read(plain))
    expect(report.unproved).toEqual([])
    expect(report.assumed.length / report.functions).toBeLessThan(0.002)
  },
  2 * MINUTES,
)
