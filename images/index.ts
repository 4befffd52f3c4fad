// Guest images by name: built on demand, cached by the digest of everything they are made from.
// An image is a folder: vmlinux, bzImage, System.map, config, initramfs.cpio.gz and manifest.json; of mini, one ELF
// file and the manifest. Every image exists twice: annotated, and plain.
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { annotatingAssembler, prepareAssembler } from './assembler.js'
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
import { buildMini, miniDigest } from './mini/build.js'
import { requirePackages } from './packages.js'
import { readProfile } from './profile.js'
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
  /** Initial file system; empty where the guest has none. */
  initrd: string
  /** Of everything the image is made from. */
  digest: string
  built: boolean
}

/** Options of `buildImage`. */
export interface BuildOptions {
  /** Build the unannotated twin. */
  plain?: boolean
  onProgress?: Progress
}

/** Command line that suits every image: serial console, reset through the keyboard controller, no wait after a panic. */
export const DEFAULT_COMMAND_LINE = 'console=ttyS0,115200 panic=-1 reboot=k'

const RECIPES: Record<string, KernelRecipe> = {
  linux: { fragments: ['guest.config'], steps: 1110 },
  'linux-net': { fragments: ['guest.config', 'net.config'], steps: 1352 },
}

const MINI = 'mini'
const NAMES = [...Object.keys(RECIPES), MINI]

function recipeOf(name: string): KernelRecipe {
  const recipe = RECIPES[name]
  if (recipe === undefined) throw new Error(`no image '${name}'; there are: ${NAMES.join(', ')}`)
  return recipe
}

function describeMini(toolchain: string, assembler: Assembler | undefined): Image {
  const digest = miniDigest(toolchain, assembler)
  const path = join(cacheFolder('images'), `${MINI}-${digest.slice(0, SHORT_DIGEST)}`, MINI)
  return { name: MINI, path, plain: assembler === undefined, initrd: '', digest, built: existsSync(path) }
}

function describe(name: string, toolchain: string, assembler: Assembler | undefined): Image {
  if (name === MINI) return describeMini(toolchain, assembler)
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
 * Every image that can be built, annotated and plain, with the place it has or would have (the place is final once
 * busybox is fetched).
 * @throws when the kernel source or the compiler is not installed
 */
export function listImages(): Image[] {
  requirePackages()
  const toolchain = toolchainIdentity()
  return NAMES.flatMap(name => {
    const assembler = annotatingAssembler(toolchain, readProfile(name))
    return [describe(name, toolchain, assembler), describe(name, toolchain, undefined)]
  })
}

function writeManifest(folder: string, image: Image, more: Record<string, string>): void {
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify({ ...image, built: true, ...more }, null, 2)}\n`)
}

async function publishMini(image: Image, assembler: Assembler | undefined): Promise<void> {
  const objects = `${dirname(image.path)}.objects-${process.pid}`
  mkdirSync(objects)
  try {
    const built = await buildMini(objects, assembler)
    await publish(dirname(image.path), async temporary => {
      linkSync(built, join(temporary, MINI))
      writeManifest(temporary, image, {})
    })
  } finally {
    rmSync(objects, { recursive: true, force: true })
  }
}

/**
 * Builds an image, or finds it in the cache (well under a second).
 * @param name 'linux', 'linux-net' or 'mini'
 * @throws when the name is unknown, a Debian package is missing (named), or a build step fails (its log is named)
 */
export async function buildImage(name: string, options: BuildOptions = {}): Promise<Image> {
  const toolchain = toolchainIdentity()
  const assembler = options.plain ? undefined : annotatingAssembler(toolchain, readProfile(name))
  if (name === MINI) {
    const image = describeMini(toolchain, assembler)
    if (image.built) return image
    if (assembler !== undefined) await prepareAssembler(assembler)
    await publishMini(image, assembler)
    return { ...image, built: true }
  }
  const recipe = recipeOf(name)
  requirePackages()
  const busybox = await fetchBusybox()
  const image = describe(name, toolchain, assembler)
  if (image.built) return image
  if (assembler !== undefined) await prepareAssembler(assembler)
  await publish(dirname(image.path), async temporary => {
    const programs = await buildPrograms(toolchain)
    const kernel = await buildKernel(name, recipe, toolchain, { assembler, onProgress: options.onProgress })
    for (const file of KERNEL_FILES) linkSync(join(kernel, file), join(temporary, file))
    writeFileSync(join(temporary, 'initramfs.cpio.gz'), makeInitramfs(programs, busybox))
    writeManifest(temporary, image, {
      commandLine: DEFAULT_COMMAND_LINE,
      busybox: digestOf([readFileSync(busybox)]),
    })
  })
  return { ...image, built: true }
}
