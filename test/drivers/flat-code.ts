// Small guests written in assembler: GNU as and ld make a flat image that begins at a given address.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Assembles and links GNU syntax for i386; `_start` or the first byte stands at `base`. */
export function assembleFlat(source: string, base: number): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'previrt-flat-'))
  try {
    const file = (name: string) => join(folder, name)
    writeFileSync(file('code.s'), `${source}\n`)
    execFileSync('as', ['--32', '-o', file('code.o'), file('code.s')])
    const link = ['-m', 'elf_i386', '--oformat=binary', `-Ttext=0x${base.toString(16)}`, '-e', String(base)]
    execFileSync('ld', [...link, '-o', file('code'), file('code.o')])
    return new Uint8Array(readFileSync(file('code')))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
