// Guest images by name, for `run` and for the `image` command.

import { buildImage, type Image, listImages } from '../../images/index.js'
import { CommandError } from './failure.js'

/** An image that is built. Throws CommandError that says how to build it. */
export async function locateImage(name: string): Promise<Image> {
  if (name === 'mini') return await buildImage(name)
  const image = listImages().find(candidate => candidate.name === name && candidate.built)
  if (image) return image
  throw new CommandError(`${name}: the image is not built; run: previrt image build ${name}`)
}
