// Writes a cpio archive in the "newc" format that Linux unpacks as its initial file system
// (Documentation/driver-api/early-userspace/buffer-format.rst). Deterministic: entries are sorted by name,
// times are 0, owners are root, inode numbers count up. Hard links are left out.

interface CpioCommon {
  /** Path without a leading slash. */
  path: string
  /** Permission bits. */
  mode: number
}

/** One entry of an archive. */
export type CpioEntry =
  | (CpioCommon & { kind: 'file'; data: Uint8Array })
  | (CpioCommon & { kind: 'folder' })
  | (CpioCommon & { kind: 'link'; target: string })
  | (CpioCommon & { kind: 'character'; major: number; minor: number })

const FILE_TYPE = { file: 0o100000, folder: 0o040000, link: 0o120000, character: 0o020000 } as const
const HEADER_BYTES = 110
const ALIGNMENT = 4
const ARCHIVE_BLOCK = 512

function padded(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment
}

function record(path: string, fields: readonly number[], data: Uint8Array): Buffer {
  const name = Buffer.from(`${path}\0`)
  const header = `070701${fields.map(field => field.toString(16).padStart(8, '0').toUpperCase()).join('')}`
  const dataAt = padded(HEADER_BYTES + name.length, ALIGNMENT)
  const bytes = Buffer.alloc(padded(dataAt + data.length, ALIGNMENT))
  bytes.write(header, 0, 'latin1')
  name.copy(bytes, HEADER_BYTES)
  bytes.set(data, dataAt)
  return bytes
}

function contents(entry: CpioEntry): Uint8Array {
  if (entry.kind === 'file') return entry.data
  return entry.kind === 'link' ? Buffer.from(entry.target) : new Uint8Array(0)
}

/**
 * The archive of the entries; folders that entries lie in must be entries themselves.
 * @returns bytes, a multiple of 512
 * @throws when two entries have the same path, or one lies in a folder that is not there
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))
  const folders = new Set(sorted.filter(entry => entry.kind === 'folder').map(entry => entry.path))
  const records: Buffer[] = []
  sorted.forEach((entry, index) => {
    if (sorted[index + 1]?.path === entry.path) throw new Error(`cpio: two entries at ${entry.path}`)
    const slash = entry.path.lastIndexOf('/')
    if (slash >= 0 && !folders.has(entry.path.slice(0, slash))) {
      throw new Error(`cpio: ${entry.path} lies in a folder that is no entry`)
    }
    const data = contents(entry)
    const device = entry.kind === 'character' ? [entry.major, entry.minor] : [0, 0]
    const links = entry.kind === 'folder' ? 2 : 1
    const mode = FILE_TYPE[entry.kind] | entry.mode
    const nameBytes = Buffer.byteLength(entry.path) + 1
    records.push(
      record(entry.path, [index + 1, mode, 0, 0, links, 0, data.length, 0, 0, ...device, nameBytes, 0], data),
    )
  })
  records.push(record('TRAILER!!!', [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 11, 0], new Uint8Array(0)))
  const bytes = Buffer.concat(records)
  return Buffer.concat([bytes, Buffer.alloc(padded(bytes.length, ARCHIVE_BLOCK) - bytes.length)])
}
