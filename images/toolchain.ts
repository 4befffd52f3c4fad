// Which compiler, assembler and linker are installed: part of the digest of everything that they make.
import { execFileSync } from 'node:child_process'

let known: string | undefined

/**
 * The first line that each of gcc, as and ld prints about its version; asked once in a process.
 * @throws when one of them is not installed
 */
export function toolchainIdentity(): string {
  known ??= ['gcc', 'as', 'ld']
    .map(program => execFileSync(program, ['--version'], { encoding: 'utf8' }).split('\n')[0])
    .join('\n')
  return known
}
