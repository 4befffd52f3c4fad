// Builds the small boot files that loader tests need: a bzImage with a setup header, and a newc cpio archive.

export interface BzImageSpec {
  readonly protectedMode: Uint8Array
  readonly initBytes: number
  readonly initrdMax?: number
}

/** A bzImage of protocol 2.15 with one sector of boot code and one of setup code. */
export function writeBzImage(spec: BzImageSpec): Uint8Array {
  const image = new Uint8Array(2 * 512 + spec.protectedMode.length)
  const view = new DataView(image.buffer)
  image[0x1f1] = 1
  view.setUint32(0x1f4, spec.protectedMode.length / 16, true)
  view.setUint16(0x1fe, 0xaa55, true)
  image.set([0xeb, 0x268 - 0x202], 0x200)
  view.setUint32(0x202, 0x53726448, true)
  view.setUint16(0x206, 0x20f, true)
  image[0x211] = 1
  view.setUint32(0x214, 0x100000, true)
  view.setUint32(0x22c, spec.initrdMax ?? 0x7fffffff, true)
  view.setUint32(0x238, 2047, true)
  view.setUint32(0x258, 0x100000, true)
  view.setUint32(0x260, spec.initBytes, true)
  image.set(spec.protectedMode, 1024)
  return image
}

/** A cpio archive in newc format with regular files of the given names and contents. */
export function cpio(files: readonly (readonly [string, string])[]): Uint8Array {
  const parts: Buffer[] = []
  const pad = (buffer: Buffer) => Buffer.concat([buffer, Buffer.alloc(-buffer.length & 3)])
  for (const [name, content] of [...files, ['TRAILER!!!', ''] as const]) {
    const fields = [0, 0o100755, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0]
    const header = `070701${fields.map(field => field.toString(16).padStart(8, '0')).join('')}`
    parts.push(pad(Buffer.from(`${header}${name}\0`)), pad(Buffer.from(content)))
  }
  return new Uint8Array(Buffer.concat(parts))
}
