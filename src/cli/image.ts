// Guest images by name: what `run` and `inspect` need of them, and the `image` command.

import { buildImage, type Image, listImages } from '../../images/index.js'
import { missingPackages } from '../../images/packages.js'
import { describeRules } from '../afterburner/rules.js'
import { STATUS_GUEST_FAILED, STATUS_WELL } from './exit.js'
import { CommandError } from './failure.js'
import { exitOnSignals } from './interruptions.js'
import { IMAGE_NAMES } from './options.js'
import { ProgressLine } from './progress-line.js'

/** Throws CommandError for a name that no image has. */
export function requireName(name: string): void {
  if (!IMAGE_NAMES.includes(name))
    throw new CommandError(`${name}: no such image; images are: ${IMAGE_NAMES.join(', ')}`)
}

/**
 * An image that is built. Without `plain` the annotated image is preferred; mini is built if it is not there.
 * @throws CommandError that says how to build it
 */
export async function locateImage(name: string, plain: boolean): Promise<Image> {
  requireName(name)
  const built = (known(() => listImages()) as Image[]).filter(image => image.name === name && image.built)
  const image = built.find(candidate => candidate.plain === plain) ?? (plain ? undefined : built[0])
  if (image) return image
  if (name === 'mini') return await buildNamed(name, plain)
  throw new CommandError(`${name}: the image is not built; run: previrt image build ${name}${plain ? ' --plain' : ''}`)
}

/**
 * The annotated image of that name, as locateImage finds it.
 * @throws CommandError where only the plain one is built
 */
export async function locateAnnotated(name: string): Promise<Image> {
  const image = await locateImage(name, false)
  if (image.plain) throw new CommandError(`${name}: only the plain image is built; run: previrt image build ${name}`)
  return image
}

/** `image build`. */
export async function imageBuild(name: string, options: { plain?: boolean; json?: boolean }): Promise<number> {
  requireName(name)
  const image = await buildNamed(name, options.plain ?? false)
  process.stdout.write(options.json ? `${JSON.stringify(image)}\n` : `${image.path}\n`)
  return STATUS_WELL
}

/** `image list`: one image a line, with --json one object a line. */
export function imageList(options: { json?: boolean }): number {
  for (const image of known(() => listImages())) {
    const what = `${image.plain ? 'plain' : 'annotated'}, ${image.built ? 'built' : 'not built'}`
    const text = `${image.name.padEnd(10)} ${what.padEnd(21)} ${image.path}`
    process.stdout.write(options.json ? `${JSON.stringify(image)}\n` : `${text}\n`)
  }
  return STATUS_WELL
}

/** Builds an image, or finds it in the cache; shows progress on a terminal, and which files of a kernel are left alone. */
export async function buildNamed(name: string, plain: boolean): Promise<Image> {
  if (name !== 'mini' && missingPackages().length > 0)
    throw new CommandError(`missing Debian packages: ${missingPackages().join(' ')}; run: npm run setup`)
  const progress = new ProgressLine(`building ${name}`)
  const ignoreSignals = exitOnSignals()
  try {
    let told = plain
    const onProgress = (done: number, total: number, step: string) => {
      if (!told) process.stderr.write(`${describeRules()}\n`)
      told = true
      progress.showShare(done, total, step)
      // For a program that has started us and shows the progress itself.
      process.send?.({ done, total })
    }
    return await buildImage(name, { plain, onProgress })
  } catch (error) {
    throw new CommandError(`${name}: ${(error as Error).message}`, STATUS_GUEST_FAILED)
  } finally {
    ignoreSignals()
    progress.clear()
  }
}

/** What images/ refuses is told as it is. */
function known<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw new CommandError((error as Error).message)
  }
}
