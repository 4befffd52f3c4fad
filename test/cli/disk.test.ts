// The image behind --disk: what the host does halfway, refuses or forbids, and what a run says of its disk.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { FileStorage, type ImageFile, openDisk, RunDisk } from '../../src/cli/disk.js'
import { MediaError, MemoryStorage } from '../../src/devices/block-storage.js'
import { testFolder } from './command.js'

const at = testFolder()
const SECTORS = 64

/** A file in memory whose host moves at most `most` bytes at once, and fails as it is told. */
class FakeFile implements ImageFile {
  readonly bytes = Uint8Array.from({ length: SECTORS * 512 }, (_, i) => i >> 5)
  most = Number.POSITIVE_INFINITY
  interruptions = 0
  /** Errors by position: an access that begins at or reaches beyond it. */
  readonly refusals = new Map<number, string>()
  syncError: string | undefined

  private part(length: number, position: number): number {
    if (this.interruptions-- > 0) throw Object.assign(new Error('interrupted'), { code: 'EINTR' })
    let end = Math.min(position + length, position + this.most, this.bytes.length)
    for (const [refused, code] of this.refusals) {
      if (refused === position) throw Object.assign(new Error(code), { code })
      if (refused > position) end = Math.min(end, refused)
    }
    return end - position
  }
  read(buffer: Uint8Array, position: number): number {
    const count = this.part(buffer.length, position)
    buffer.set(this.bytes.subarray(position, position + count))
    return count
  }
  write(buffer: Uint8Array, position: number): number {
    const count = this.part(buffer.length, position)
    this.bytes.set(buffer.subarray(0, count), position)
    return count
  }
  sync(): void {
    if (this.syncError !== undefined) throw Object.assign(new Error(this.syncError), { code: this.syncError })
  }
}

/** The sector that an access is refused for. */
function refused(act: () => void): number | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(MediaError)
    return (error as MediaError).lba
  }
}

const pattern = (sectors: number) => Uint8Array.from({ length: sectors * 512 }, (_, i) => i * 7)

test('short and interrupted transfers go on to their end', () => {
  const file = new FakeFile()
  const disk = new FileStorage(file, SECTORS)
  Object.assign(file, { most: 300, interruptions: 3 })
  disk.write(5, pattern(4))
  expect(file.bytes.slice(5 * 512, 9 * 512)).toEqual(pattern(4))
  file.interruptions = 2
  const read = new Uint8Array(4 * 512)
  disk.read(5, read)
  expect(read).toEqual(pattern(4))
})

test('a full host disk in the midst of a write: the first sector that is not whole; those before it are written', () => {
  const file = new FakeFile()
  file.refusals.set(12 * 512 + 100, 'ENOSPC')
  expect(refused(() => new FileStorage(file, SECTORS).write(10, pattern(8)))).toBe(12)
  expect(file.bytes.slice(10 * 512, 12 * 512)).toEqual(pattern(2))
})

test('a sector that the host cannot read, and a file that has become shorter', () => {
  const file = new FakeFile()
  file.refusals.set(13 * 512, 'EIO')
  expect(refused(() => new FileStorage(file, SECTORS).read(10, new Uint8Array(8 * 512)))).toBe(13)
  expect(refused(() => new FileStorage(file, SECTORS + 4).read(SECTORS - 1, new Uint8Array(3 * 512)))).toBe(10 + 54)
})

test('a flush that the host refuses; one where there is nothing to flush', () => {
  const file = new FakeFile()
  file.syncError = 'EIO'
  expect(refused(() => new FileStorage(file, SECTORS).flush())).toBe(0)
  file.syncError = 'EINVAL'
  expect(refused(() => new FileStorage(file, SECTORS).flush())).toBeUndefined()
})

test('a run counts what was done, and the digest is that of the image', () => {
  const storage = new MemoryStorage(pattern(5000))
  const disk = new RunDisk(storage)
  disk.read(0, new Uint8Array(1024))
  disk.write(4, new Uint8Array(512))
  disk.flush()
  expect([disk.sectors, disk.reads, disk.writes, disk.flushes]).toEqual([5000, 2, 1, 1])
  expect(disk.digest()).toBe(createHash('sha256').update(storage.bytes).digest('hex'))
})

test('an image that the host lets nobody write is read; writes are refused', async () => {
  // A program that runs cannot be written, whoever asks.
  const program = at('program')
  copyFileSync('/bin/sleep', program)
  truncateSync(program, Math.ceil(statSync(program).size / 512) * 512)
  const child = spawn(program, ['60'])
  await new Promise(resolve => child.once('spawn', resolve))
  const { write } = process.stderr
  let said = ''
  process.stderr.write = (text: string | Uint8Array) => {
    said += text
    return true
  }
  try {
    const disk = openDisk(program)
    expect(said).toMatch(/--disk .*: read-only \(ETXTBSY\)/)
    const first = new Uint8Array(512)
    disk.read(0, first)
    expect(Buffer.from(first)).toEqual(readFileSync(program).subarray(0, 512))
    expect(refused(() => disk.write(0, first))).toBe(0)
    disk.settle()
  } finally {
    process.stderr.write = write
    child.kill()
  }
})

test('what is written is in the file at once', () => {
  const file = at('image')
  writeFileSync(file, new Uint8Array(8 * 512))
  openDisk(file).write(3, pattern(2))
  expect(readFileSync(file).subarray(3 * 512, 5 * 512)).toEqual(Buffer.from(pattern(2)))
})
