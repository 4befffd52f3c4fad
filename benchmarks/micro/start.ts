// What it takes from the start of the process to the first guest instruction: a ROM writes a byte to the debug console
// as soon as it runs, and the time until that byte arrives is taken. Node alone stands beside it.
// Usage: node dist/benchmarks/micro/start.js [RUNS]

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../images/package-root.js'
import { median } from '../statistics.js'

const ROM_BYTES = 0x10000
const FIRST_INSTRUCTIONS = [0xb0, 0x21, 0xe6, 0xe9, 0xfa, 0xf4] // mov al, '!'; out 0xe9, al; cli; hlt
const JUMP_TO_THEM = [0xea, 0x00, 0x00, 0x00, 0xf0] // jmp far f000:0000, at the reset vector
const RESET_VECTOR = 0xfff0

/** Milliseconds from the spawn of a Node process to its first byte of output, and to its end. */
function time(words: readonly string[]): Promise<{ first: number; end: number }> {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    let first: number | undefined
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout.once('data', () => {
      first = performance.now() - start
    })
    child.on('error', reject)
    child.on('close', status => {
      if (first === undefined || status !== 0) reject(new Error(`${words.join(' ')}: status ${status}`))
      else resolve({ first, end: performance.now() - start })
    })
  })
}

const folder = mkdtempSync(join(tmpdir(), 'previrt-start-'))
try {
  const rom = join(folder, 'first.rom')
  const image = new Uint8Array(ROM_BYTES)
  image.set(FIRST_INSTRUCTIONS)
  image.set(JUMP_TO_THEM, RESET_VECTOR)
  writeFileSync(rom, image)
  const command = join(packageRoot(import.meta.url), 'dist/src/cli/main.js')
  const programs: Record<string, string[]> = {
    'node alone': ['-e', "process.stdout.write('!')"],
    previrt: [command, 'run', '--rom', `${rom}@0xF0000`, '--mem', '128M', '--halt-ok'],
  }
  const samples = Object.keys(programs).map(() => ({ first: [] as number[], end: [] as number[] }))
  for (let run = 0; run < Number(process.argv[2] ?? 10); run++)
    for (const [index, words] of Object.values(programs).entries()) {
      const { first, end } = await time(words)
      samples[index]!.first.push(first)
      samples[index]!.end.push(end)
    }
  for (const [index, name] of Object.keys(programs).entries()) {
    const [first, end] = [samples[index]!.first, samples[index]!.end].map(list => median(list).toFixed(0).padStart(5))
    console.log(`${name.padEnd(12)} first byte ${first} ms, end ${end} ms`)
  }
} finally {
  rmSync(folder, { recursive: true })
}
