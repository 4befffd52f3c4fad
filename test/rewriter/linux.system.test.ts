// The whole annotated Linux: all sites but those of the FPU are rewritten and verified, and undone byte for byte.
// The time is printed, not asserted: the promise (20 ms) is SPECIFICATION.md's, and hosts differ.
import { readFileSync } from 'node:fs'
import { buildImage } from '../../images/index.js'
import { cpuModel } from '../../src/cpu/models.js'
import { settleAlternatives } from '../../src/loader/alternatives.js'
import { loadElf, parseElf } from '../../src/loader/elf.js'
import { linuxFeatures } from '../../src/loader/linux-features.js'
import { planRewrite } from '../../src/rewriter/plan.js'
import { rewrite, undo } from '../../src/rewriter/rewriter.js'
import { physicalMemory } from '../loader/physical-memory.js'

test('rewrites Linux and back', async () => {
  const { path } = await buildImage('linux')
  const { features, signature } = cpuModel('previrt-guest')
  const cpuid = (leaf: number) => ({ eax: leaf === 0 ? 2 : signature, ebx: 0, ecx: 0, edx: leaf === 1 ? features : 0 })
  const whole = parseElf(path, readFileSync(path))
  const elf = parseElf(path, settleAlternatives(whole, linuxFeatures(cpuid)).bytes)
  const memory = physicalMemory(32 << 20)
  loadElf(memory, elf)
  const before = memory.bytes.slice()
  const times: number[] = []
  for (let round = 0; round < 5; round++) {
    const start = performance.now()
    const plan = planRewrite(elf, { fpu: 'real' })
    const planned = performance.now()
    const { changed, gone } = rewrite(memory, plan)
    times.push(performance.now() - planned)
    expect(plan.left.filter(({ reason }) => reason !== 'fpu')).toEqual([])
    expect(changed).toBeGreaterThan(4300)
    expect(gone).toEqual([])
    if (round === 0) {
      const operands = plan.operands.length / 20
      const first = `${(planned - start).toFixed(1)} ms to plan, ${times[0]!.toFixed(1)} ms to rewrite and verify`
      process.stderr.write(`${changed} sites, ${plan.left.length} left, ${operands} operands: ${first} (first time)\n`)
    }
    expect(undo(memory, plan)).toEqual({ changed, unchanged: 0, gone: [] })
    expect(Buffer.compare(memory.bytes, before)).toBe(0)
  }
  process.stderr.write(`rewriting with verify: ${times.map(time => time.toFixed(1)).join(', ')} ms\n`)
}, 1_800_000)
