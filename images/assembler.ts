// Compiles the assembler stage (src/afterburner/as) into a folder that gcc takes with -B, and finishes what was linked
// with it. Takes half a second; the result depends on the class table, the sources and the compiler only.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { finishImage } from '../src/afterburner/finish.js'
import { tablesHeader } from '../src/afterburner/tables.js'
import { cacheFolder, digestOf, publish, SHORT_DIGEST } from './cache.js'
import { runCommand } from './command.js'
import type { Assembler } from './linux/kernel.js'
import { packageRoot } from './package-root.js'

const FLAGS = ['-O2', '-std=gnu11', '-Wall', '-Wextra', '-Werror']

const SOURCES = join(packageRoot(import.meta.url), 'src/afterburner/as')
/** Lets the afterburner know the source line of every instruction. */
const COMPILER_FLAGS = ['-fverbose-asm']

function sourceFiles(): string[] {
  return readdirSync(SOURCES)
    .filter(name => /\.[ch]$/.test(name))
    .sort()
    .map(name => join(SOURCES, name))
}

/**
 * The assembler stage's place in the cache and its identity.
 * @param toolchain identifies the compiler
 * @param profile text of profileLines: stores to annotate besides those that the source gives away
 */
export function annotatingAssembler(toolchain: string, profile = ''): Assembler {
  const inputs = [toolchain, JSON.stringify([FLAGS, COMPILER_FLAGS]), tablesHeader(), profile]
  const digest = digestOf([...inputs, ...sourceFiles().map(file => readFileSync(file))])
  const folder = join(cacheFolder('assemblers'), digest.slice(0, SHORT_DIGEST))
  return { folder, compilerFlags: COMPILER_FLAGS, profile, digest }
}

/** Compiles the assembler stage into its place in the cache, if it is not there yet. */
export async function prepareAssembler(assembler: Assembler): Promise<void> {
  await publish(assembler.folder, folder => buildAssembler(folder, assembler.profile))
}

/**
 * Compiles the assembler stage.
 * @param folder existing folder; afterwards it holds the executable `as` and the profile that it reads
 * @throws with the compiler's messages when it fails
 */
export async function buildAssembler(folder: string, profile = ''): Promise<void> {
  writeFileSync(join(folder, 'profile'), profile)
  writeFileSync(join(folder, 'tables.h'), tablesHeader())
  const sources = sourceFiles().filter(name => name.endsWith('.c'))
  await runCommand('gcc', [...FLAGS, `-I${folder}`, '-o', join(folder, 'as'), ...sources])
}

/**
 * Puts the records of a freshly linked image in order, in its file.
 * @throws LoadError when the linked file is not sound
 */
export function finishAnnotated(path: string): void {
  const bytes = readFileSync(path)
  finishImage(path, bytes)
  writeFileSync(path, bytes)
}
