// The front end's unit tests and the property test of its shadow spaces, compiled for the host (vmm/test, vmm/stub).
import { spawnSync } from 'node:child_process'
import { buildVmm } from './bare-machine.js'

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)
const SEEDS = 3
/** Whether the compiler makes and the host runs 32-bit programs with the C library. */
const m32 =
  spawnSync('sh', ['-c', 'cd "$(mktemp -d)" && echo "int main(){return 0;}" >a.c && gcc -m32 a.c -o a && ./a'])
    .status === 0
if (!m32) process.stderr.write('skipped: gcc -m32 makes no program that runs here; install gcc-multilib\n')

const withCompiler = m32 ? test : test.skip
withCompiler(
  `the front end passes its tests on the host (seeds ${SEED} to ${SEED + SEEDS - 1})`,
  () => {
    const program = buildVmm('test', 'front-test')
    for (let seed = SEED; seed < SEED + SEEDS; seed++) {
      const { stdout, status, signal } = spawnSync(program, [String(seed)], { encoding: 'latin1' })
      const lines = stdout.trimEnd().split('\n')
      expect(lines.filter(line => !line.startsWith('ok '))).toEqual([])
      expect({ seed, status, signal, tests: lines.length }).toEqual({ seed, status: 0, signal: null, tests: 14 })
    }
  },
  120_000,
)
