// The kernel of a domain: an ELF image with Xen's notes, compressed with gzip or inside a bzImage where it comes so.

import { type ElfImage, parseElf } from '../../../src/loader/elf.js'
import { unpackKernel } from '../../../src/loader/packed-kernel.js'
import { readXenNotes, type XenNotes } from '../../../src/loader/xen-notes.js'
import type { GuestImage } from '../../hypervisor.js'

/** @throws LoadError for anything that is no such image */
export function readKernel({ kernel, elf }: GuestImage): { elf: ElfImage; notes: XenNotes } {
  const image = elf ?? parseElf(kernel.file, unpackKernel(kernel.file, kernel.bytes))
  return { elf: image, notes: readXenNotes(image) }
}
