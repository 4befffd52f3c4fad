// Builds the guest kernel out of tree and reproducibly (Documentation/kbuild/reproducible-builds.rst in the
// kernel source): fixed time, user, host and version number, and no path of the build in the result.
// The seam for annotated kernels is `assembler`: a folder whose `as` gcc runs instead of the system's.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { finishAnnotated } from '../assembler.js'
import { cacheFolder, digestOf, publish, SHORT_DIGEST } from '../cache.js'
import { runCommand } from '../command.js'
import { packageRoot } from '../package-root.js'
import { sourceDigest, unpackSource } from './source.js'

/** What stands in for the system's assembler when a kernel is annotated. */
export interface Assembler {
  /** Folder with an executable `as`; given to gcc as -B. */
  folder: string
  /** What the compiler must be told so that the assembler sees enough; changes no code. */
  compilerFlags: readonly string[]
  /** Stores to annotate besides those that the source gives away, one a line. */
  profile: string
  /** Changes whenever the assembler's output could. */
  digest: string
}

/** Progress of a build: steps done of an estimated total. */
export type Progress = (done: number, total: number, step: string) => void

export interface KernelRecipe {
  /** Configuration fragments in this folder, later ones win. */
  fragments: readonly string[]
  /** Lines that make prints for a whole build; only progress depends on it. */
  steps: number
  /** Draws what the fragments leave open at random, an option in fifteen on; for tests of other configurations. */
  randomSeed?: number
}

const RANDOM_PERCENT = 7

const FRAGMENTS = join(packageRoot(import.meta.url), 'images/linux')
const RECIPE_VERSION = '1'
const REPRODUCIBLE = {
  KBUILD_BUILD_TIMESTAMP: 'Thu Jan  1 00:00:00 UTC 1970',
  KBUILD_BUILD_USER: 'previrt',
  KBUILD_BUILD_HOST: 'previrt',
  KBUILD_BUILD_VERSION: '1',
  LC_ALL: 'C',
}

/** Files of a kernel in the cache. */
export const KERNEL_FILES = ['vmlinux', 'bzImage', 'System.map', 'config'] as const

function fragmentText(recipe: KernelRecipe): string {
  return recipe.fragments.map(name => readFileSync(join(FRAGMENTS, name), 'utf8')).join('\n')
}

/** Digest over everything the kernel's bytes depend on; `toolchain` identifies compiler and linker. */
export function kernelDigest(recipe: KernelRecipe, toolchain: string, assembler?: Assembler): string {
  const inputs = [RECIPE_VERSION, sourceDigest(), toolchain, fragmentText(recipe), assembler?.digest ?? 'plain']
  return digestOf(recipe.randomSeed === undefined ? inputs : [...inputs, String(recipe.randomSeed)])
}

/**
 * Lines of a fragment that a configuration did not take.
 * @param fragment text of `CONFIG_X=v` and `# CONFIG_X is not set` lines; a later line for an option wins
 * @param config text of the resulting .config
 */
export function droppedLines(fragment: string, config: string): string[] {
  const wanted = new Map<string, string>()
  for (const line of fragment.split('\n')) {
    const option = /^(?:# )?(CONFIG_\w+)(?:=| is not set)/.exec(line)?.[1]
    if (option !== undefined) wanted.set(option, line)
  }
  const taken = new Set(config.split('\n'))
  const set = new Set(
    [...taken].filter(line => line.startsWith('CONFIG_')).map(line => line.slice(0, line.indexOf('='))),
  )
  return [...wanted]
    .filter(([option, line]) => (line.startsWith('#') ? set.has(option) : !taken.has(line)))
    .map(([, l]) => l)
}

async function configure(make: string[], source: string, objects: string, recipe: KernelRecipe, log: string) {
  const options = { cwd: source, env: REPRODUCIBLE, log }
  const config = join(objects, '.config')
  const fragment = fragmentText(recipe)
  if (recipe.randomSeed === undefined) {
    await runCommand('make', [...make, 'tinyconfig'], options)
    writeFileSync(config, `${readFileSync(config, 'utf8')}\n${fragment}`)
    await runCommand('make', [...make, 'olddefconfig'], options)
  } else {
    const fixed = join(objects, 'fixed.config')
    writeFileSync(fixed, fragment)
    const seed = [`KCONFIG_SEED=${recipe.randomSeed}`, `KCONFIG_PROBABILITY=${RANDOM_PERCENT}`]
    await runCommand('make', [...make, ...seed, `KCONFIG_ALLCONFIG=${fixed}`, 'randconfig'], options)
  }
  const dropped = droppedLines(fragment, readFileSync(config, 'utf8'))
  if (dropped.length > 0) throw new Error(`the kernel's configuration did not take: ${dropped.join('; ')}`)
}

/**
 * Builds a kernel if the cache does not hold it yet (minutes).
 * @param name for the folder and the log
 * @returns folder with KERNEL_FILES
 */
export async function buildKernel(
  name: string,
  recipe: KernelRecipe,
  toolchain: string,
  options: { assembler?: Assembler | undefined; onProgress?: Progress | undefined } = {},
): Promise<string> {
  const { assembler, onProgress } = options
  const digest = kernelDigest(recipe, toolchain, assembler)
  return publish(join(cacheFolder('kernels'), `${name}-${digest.slice(0, SHORT_DIGEST)}`), async folder => {
    onProgress?.(0, recipe.steps, 'unpacking the kernel source')
    const source = await unpackSource()
    const objects = join(folder, 'objects')
    mkdirSync(objects)
    const log = join(cacheFolder('logs'), `${name}-${digest.slice(0, SHORT_DIGEST)}.log`)
    writeFileSync(log, '')
    const prefixMaps = `-ffile-prefix-map=${source}/= -ffile-prefix-map=${objects}/=`
    const compilerFlags = [prefixMaps, ...(assembler?.compilerFlags ?? [])].join(' ')
    const make = ['ARCH=i386', `O=${objects}`, `KCFLAGS=${compilerFlags}`, `KAFLAGS=${prefixMaps}`]
    if (assembler !== undefined) make.push(`CC=gcc -B${assembler.folder}/`, 'CONFIG_LD_ORPHAN_WARN=')
    onProgress?.(0, recipe.steps, 'configuring the kernel')
    await configure(make, source, objects, recipe, log)
    let done = 0
    const onLine = (line: string) => {
      if (/^ {2}[A-Z]/.test(line)) onProgress?.(Math.min(++done, recipe.steps), recipe.steps, line.trim())
    }
    const jobs = `-j${availableParallelism()}`
    await runCommand('make', [...make, jobs, 'bzImage', 'vmlinux'], { cwd: source, env: REPRODUCIBLE, log, onLine })
    const built = {
      vmlinux: 'vmlinux',
      bzImage: 'arch/x86/boot/bzImage',
      'System.map': 'System.map',
      config: '.config',
    }
    for (const file of KERNEL_FILES) copyFileSync(join(objects, built[file]), join(folder, file))
    if (assembler !== undefined) finishAnnotated(join(folder, 'vmlinux'))
    await runCommand('rm', ['-rf', objects])
  })
}
