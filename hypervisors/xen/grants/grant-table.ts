// Grant tables (xen/include/public/grant_table.h): entries in frames that the hypervisor lends to the domain, which say who
// may map which of its frames, and the handles of what is mapped. Entries of version 2 are larger and have their status in
// frames of their own. Left out: sub-page and transitive grants.

import type { MachineMemory } from '../memory/machine-memory.js'

// Flags of an entry.
const PERMIT = 1
const TYPE = 3
const READ_ONLY = 4
const READING = 8
const WRITING = 16
const SUB_PAGE = 0x100

// Status.
export const OKAY = 0
export const GENERAL_ERROR = -1
export const BAD_DOMAIN = -2
export const BAD_REFERENCE = -3
export const BAD_HANDLE = -4
export const BAD_DEVICE_ADDRESS = -6
export const PERMISSION_DENIED = -8
export const BAD_PAGE = -9
export const BAD_COPY = -10
export const TRY_AGAIN = -12

/** Entries that keep what they say when another version is chosen: console and store. */
export const RESERVED_REFERENCES = 8
const PAGE_BYTES = 4096
const STATUS_BYTES = 2

/** A grant that is mapped. It goes when neither of its two mappings is left. */
export interface ActiveGrant {
  readonly reference: number
  readonly frame: number
  readonly writable: boolean
  /** An entry of a page table maps it, named by its machine address rather than a linear one. */
  readonly byEntry: boolean
  /** Mapped into the domain's memory. */
  host: boolean
  /** Taken for a device. */
  device: boolean
}

/** How often a reference is in use, and how often for writing. */
interface Uses {
  readonly frame: number
  count: number
  writers: number
}

export class GrantTable {
  /** Frames of the table, in order. */
  readonly frames: number[] = []
  /** Frames with the status of version 2's entries, in order. */
  readonly statusFrames: number[] = []
  version = 1
  private readonly active = new Map<number, ActiveGrant>()
  private readonly uses = new Map<number, Uses>()
  private nextHandle = 0

  constructor(private readonly memory: MachineMemory) {}

  private get entryBytes(): number {
    return this.version === 1 ? 8 : 16
  }
  /** Machine address of an entry, or -1 where there is none. */
  private entryAt(reference: number): number {
    const each = PAGE_BYTES / this.entryBytes
    const frame = this.frames[Math.floor(reference / each)]
    return frame === undefined ? -1 : frame * PAGE_BYTES + (reference % each) * this.entryBytes
  }

  /** What `domain` may use with a reference; a status below 0 when it may not. What is in use already is not asked again. */
  frameOf(reference: number, domain: number, write: boolean): { frame: number; status: number } {
    const at = this.entryAt(reference)
    if (at < 0) return { frame: -1, status: BAD_REFERENCE }
    const { u32 } = this.memory
    const flags = u32[at >>> 2]! & 0xffff
    const grantee = u32[at >>> 2]! >>> 16
    const used = this.uses.get(reference)
    if (!used && ((flags & (TYPE | SUB_PAGE)) !== PERMIT || grantee !== domain))
      return { frame: -1, status: GENERAL_ERROR }
    if (write && !used?.writers && (flags & READ_ONLY) !== 0) return { frame: -1, status: GENERAL_ERROR }
    return { frame: used?.frame ?? u32[(at >>> 2) + (this.version === 1 ? 1 : 2)]!, status: OKAY }
  }

  /** Marks a reference as in use; the handle of it. */
  use(grant: ActiveGrant): number {
    const handle = this.nextHandle++
    this.active.set(handle, grant)
    if (grant.host) this.count(grant, 1)
    if (grant.device) this.count(grant, 1)
    return handle
  }
  private count({ reference, frame, writable }: ActiveGrant, step: number) {
    const known = this.uses.get(reference) ?? { frame, count: 0, writers: 0 }
    known.count += step
    if (writable) known.writers += step
    this.mark(reference, known)
    if (known.count > 0) this.uses.set(reference, known)
    else this.uses.delete(reference)
  }
  find(handle: number): ActiveGrant | undefined {
    return this.active.get(handle)
  }
  /** All that is mapped. */
  get mapped(): readonly ActiveGrant[] {
    return [...this.active.values()]
  }
  isUsed(reference: number): boolean {
    return this.uses.has(reference)
  }
  /** One of a handle's mappings has gone; the handle with the last. */
  end(handle: number, mapping: 'host' | 'device') {
    const grant = this.active.get(handle)
    if (!grant?.[mapping]) return
    grant[mapping] = false
    if (!grant.host && !grant.device) this.active.delete(handle)
    this.count(grant, -1)
  }

  /** Exchanges two entries that are not in use. */
  swap(first: number, second: number): number {
    const [a, b] = [this.entryAt(first), this.entryAt(second)]
    if (a < 0 || b < 0) return BAD_REFERENCE
    if (first === second) return OKAY
    if (this.uses.has(first) || this.uses.has(second)) return TRY_AGAIN
    this.exchange(a, b, this.entryBytes)
    if (this.version === 2) this.exchange(this.statusAt(first), this.statusAt(second), STATUS_BYTES)
    return OKAY
  }
  private exchange(a: number, b: number, bytes: number) {
    const { u8 } = this.memory
    const kept = u8.slice(a, a + bytes)
    u8.copyWithin(a, b, b + bytes)
    u8.set(kept, b)
  }

  /** Takes entries in the other version's form from now on: all are empty but the reserved ones. */
  convert(version: number) {
    const { u8, u32 } = this.memory
    const kept = Array.from({ length: RESERVED_REFERENCES }, (_, reference) => {
      const at = this.entryAt(reference)
      const status = this.version === 2 ? u8[this.statusAt(reference)]! : 0
      return { header: u32[at >>> 2]! | status, frame: u32[(at >>> 2) + (this.version === 1 ? 1 : 2)]! }
    })
    for (const frame of this.frames) u8.fill(0, frame * PAGE_BYTES, (frame + 1) * PAGE_BYTES)
    this.version = version
    kept.forEach(({ header, frame }, reference) => {
      const at = this.entryAt(reference) >>> 2
      const used = version === 2 ? header & (READING | WRITING) : 0
      u32[at] = header & ~used
      u32[at + (version === 1 ? 1 : 2)] = frame
      if (version === 2) u8[this.statusAt(reference)] = used
    })
  }

  save() {
    const active = [...this.active].map(([handle, { reference, frame, writable, byEntry, host, device }]) => [
      handle,
      reference,
      frame,
      ...[writable, byEntry, host, device].map(Number),
    ])
    const { frames, statusFrames, version, nextHandle } = this
    return { frames: [...frames], statusFrames: [...statusFrames], version, nextHandle, active }
  }
  restore(saved: ReturnType<GrantTable['save']>) {
    this.frames.splice(0, this.frames.length, ...saved.frames)
    this.statusFrames.splice(0, this.statusFrames.length, ...saved.statusFrames)
    this.version = saved.version
    this.active.clear()
    this.uses.clear()
    for (const [handle, reference, frame, ...flags] of saved.active) {
      const [writable, byEntry, host, device] = flags.map(flag => flag === 1)
      this.nextHandle = handle!
      this.use({
        reference: reference!,
        frame: frame!,
        writable: writable!,
        byEntry: byEntry!,
        host: host!,
        device: device!,
      })
    }
    this.nextHandle = saved.nextHandle
  }

  /** Shows in the entry, or its status, whether it is read and written by somebody. */
  private mark(reference: number, { count, writers }: Uses) {
    const bits = (count > 0 ? READING : 0) | (writers > 0 ? WRITING : 0)
    const at = this.version === 1 ? this.entryAt(reference) : this.statusAt(reference)
    if (at < 0) return
    const { u8 } = this.memory
    u8[at] = (u8[at]! & ~(READING | WRITING)) | bits
  }
  private statusAt(reference: number): number {
    const each = PAGE_BYTES / STATUS_BYTES
    const frame = this.statusFrames[Math.floor(reference / each)]
    return frame === undefined ? -1 : frame * PAGE_BYTES + (reference % each) * STATUS_BYTES
  }
}
