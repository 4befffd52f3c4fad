// Guest images by name: built on demand, cached by the digest of everything they are made from.
// An image is a folder: vmlinux, bzImage, System.map, config, initramfs.cpio.gz and manifest.json.
import { existsSync, linkSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cachedBusybox, fetchBusybox } from './busybox.js'
import { cacheFolder, digestOf, publish, SHORT_DIGEST } from './cache.js'
import { makeInitramfs } from './initramfs.js'
import {
  type Assembler,
  buildKernel,
  KERNEL_FILES,
  type KernelRecipe,
  kernelDigest,
  type Progress,
} from './linux/kernel.js'
import { requirePackages } from './packages.js'
import { buildPrograms, programsDigest } from './programs.js'
import { toolchainIdentity } from './toolchain.js'

export type { Assembler, Progress } from './linux/kernel.js'

/** A guest image; paths are absolute, and exist when `built`. */
export interface Image {
  name: string
  /** The kernel as an ELF file, to be entered directly. */
  path: string
  /** The same kernel as a bzImage, to be booted through firmware or its own decompressor. */
  bzImage?: string
  /** Whether this is the unannotated kernel. */
  plain: boolean
  initrd: string
  /** Of everything the image is made from. */
  digest: string
  built: boolean
}

/** Options of `buildImage`. */
export interface BuildOptions {
  /** Build the unannotated twin. Without an `assembler` every kernel is plain. */
  plain?: boolean
  assembler?: Assembler
  onProgress?: Progress
}

/** Command line that suits every image: serial console, reset through the keyboard controller, no wait after a panic. */
export const DEFAULT_COMMAND_LINE = 'console=ttyS0,115200 panic=-1 reboot=k'

const RECIPES: Record<string, KernelRecipe> = {
  linux: { fragments: ['guest.config'], steps: 1110 },
  'linux-net': { fragments: ['guest.config', 'net.config'], steps: 1300 },
}

function recipeOf(name: string): KernelRecipe {
  const recipe = RECIPES[name]
  if (recipe === undefined) throw new Error(`no image '${name}'; there are: ${Object.keys(RECIPES).join(', ')}`)
  return recipe
}

function describe(name: string, toolchain: string, assembler: Assembler | undefined): Image {
  const busybox = cachedBusybox()
  const digest = digestOf([
    kernelDigest(recipeOf(name), toolchain, assembler),
    programsDigest(toolchain),
    busybox === undefined ? '' : readFileSync(busybox),
  ])
  const folder = join(cacheFolder('images'), `${name}-${digest.slice(0, SHORT_DIGEST)}`)
  return {
    name,
    path: join(folder, 'vmlinux'),
    bzImage: join(folder, 'bzImage'),
    plain: assembler === undefined,
    initrd: join(folder, 'initramfs.cpio.gz'),
    digest,
    built: existsSync(folder),
  }
}

/**
 * Every image that can be built, with the place it has or would have (the place is final once busybox is fetched).
 * @throws when the kernel source or the compiler is not installed
 */
export function listImages(): Image[] {
  requirePackages()
  const toolchain = toolchainIdentity()
  return Object.keys(RECIPES).map(name => describe(name, toolchain, undefined))
}

/**
 * Builds an image, or finds it in the cache (well under a second).
 * @param name 'linux' or 'linux-net'
 * @throws when the name is unknown, a Debian package is missing (named), or a build step fails (its log is named)
 */
export async function buildImage(name: string, options: BuildOptions = {}): Promise<Image> {
  const recipe = recipeOf(name)
  requirePackages()
  const assembler = options.plain ? undefined : options.assembler
  const toolchain = toolchainIdentity()
  const busybox = await fetchBusybox()
  const image = describe(name, toolchain, assembler)
  if (image.built) return image
  const folder = join(cacheFolder('images'), `${name}-${image.digest.slice(0, SHORT_DIGEST)}`)
  await publish(folder, async temporary => {
    const programs = await buildPrograms(toolchain)
    const kernel = await buildKernel(name, recipe, toolchain, { assembler, onProgress: options.onProgress })
    for (const file of KERNEL_FILES) linkSync(join(kernel, file), join(temporary, file))
    writeFileSync(join(temporary, 'initramfs.cpio.gz'), makeInitramfs(programs, busybox))
    const manifest = {
      ...image,
      built: true,
      commandLine: DEFAULT_COMMAND_LINE,
      busybox: digestOf([readFileSync(busybox)]),
    }
    writeFileSync(join(temporary, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  })
  return { ...image, built: true }
}
