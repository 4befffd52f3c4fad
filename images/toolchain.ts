// Which compiler, assembler and linker are installed: part of the digest of everything that they make.
import { execFileSync } from 'node:child_process'

let known: string | undefined

/**
 * The first line that each of gcc, as and ld prints about its version; asked once in a process.
 * @throws Error with the remedy when one of them is not installed
 */
export function toolchainIdentity(): string {
  known ??= ['gcc', 'as', 'ld'].map(versionOf).join('\n')
  return known
}

function versionOf(program: string): string {
  try {
    return execFileSync(program, ['--version'], { encoding: 'utf8' }).split('\n')[0]!
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(`${program} cannot be run (${code ?? message}); install gcc and binutils, as npm run setup does`)
  }
}
