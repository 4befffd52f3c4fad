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

// Status.
export const OKAY = 0
export const GENERAL_ERROR = -1
export const BAD_REFERENCE = -3
export const BAD_HANDLE = -4
export const PERMISSION_DENIED = -8

const PAGE_BYTES = 4096
const STATUS_BYTES = 2

/** A grant that is mapped or in use. */
export interface ActiveGrant {
  readonly reference: number
  readonly frame: number
  readonly writable: boolean
  /** Index in u32 of the entry that maps it; -1 when it was taken for a device only. */
  readonly slot: number
}

export class GrantTable {
  /** Frames of the table, in order. */
  readonly frames: number[] = []
  /** Frames with the status of version 2's entries, in order. */
  readonly statusFrames: number[] = []
  version = 1
  private readonly active = new Map<number, ActiveGrant>()
  private readonly uses = new Map<number, { count: number; writers: number }>()
  private nextHandle = 0

  constructor(private readonly memory: MachineMemory) {}

  private get entryBytes(): number {
    return this.version === 1 ? 8 : 16
  }
  private entryAt(reference: number): number {
    const each = PAGE_BYTES / this.entryBytes
    const frame = this.frames[Math.floor(reference / each)]
    return frame === undefined ? -1 : frame * PAGE_BYTES + (reference % each) * this.entryBytes
  }

  /** What `domain` may use with a reference; a status below 0 when it may not. */
  frameOf(reference: number, domain: number, write: boolean): { frame: number; status: number } {
    const at = this.entryAt(reference)
    if (at < 0) return { frame: -1, status: BAD_REFERENCE }
    const { u32 } = this.memory
    const flags = u32[at >>> 2]! & 0xffff
    const grantee = u32[at >>> 2]! >>> 16
    if ((flags & TYPE) !== PERMIT || grantee !== domain) return { frame: -1, status: BAD_REFERENCE }
    if (write && (flags & READ_ONLY) !== 0) return { frame: -1, status: PERMISSION_DENIED }
    return { frame: u32[(at >>> 2) + (this.version === 1 ? 1 : 2)]!, status: OKAY }
  }

  /** Marks a reference as in use; the handle of it. */
  use(grant: ActiveGrant): number {
    const handle = this.nextHandle++
    this.active.set(handle, grant)
    const known = this.uses.get(grant.reference) ?? { count: 0, writers: 0 }
    known.count++
    if (grant.writable) known.writers++
    this.uses.set(grant.reference, known)
    this.mark(grant.reference)
    return handle
  }
  find(handle: number): ActiveGrant | undefined {
    return this.active.get(handle)
  }
  /** All that is mapped. */
  get mapped(): readonly ActiveGrant[] {
    return [...this.active.values()]
  }
  /** The mapping of this handle has gone. */
  end(handle: number) {
    const grant = this.active.get(handle)
    if (!grant) return
    this.active.delete(handle)
    const known = this.uses.get(grant.reference)!
    known.count--
    if (grant.writable) known.writers--
    this.mark(grant.reference)
  }
  save() {
    const active = [...this.active].map(([handle, { reference, frame, writable, slot }]) => [
      handle,
      reference,
      frame,
      Number(writable),
      slot,
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
    for (const [handle, reference, frame, writable, slot] of saved.active) {
      this.nextHandle = handle!
      this.use({ reference: reference!, frame: frame!, writable: writable === 1, slot: slot! })
    }
    this.nextHandle = saved.nextHandle
  }

  /** Shows in the entry, or its status, whether it is read and written by somebody. */
  private mark(reference: number) {
    const { count, writers } = this.uses.get(reference)!
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
