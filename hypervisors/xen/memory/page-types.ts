// References to frames and their types. A frame with uses as a page table has no writable mapping, and the other way
// round; a table gets its type only after each of its entries was checked and holds a reference and a type of what it
// maps. The types are exclusive (xen/arch/x86/mm.c tells the whole story). Left out: preemption, linear page tables.

import { IO, XEN } from '../domains.js'
import { EBUSY, EINVAL, EPERM } from '../errors.js'
import { checkDescriptors } from './descriptor-checks.js'
import { CACHE_ATTRIBUTES, frameOf, highReserved, PRESENT, RW, refused, USER } from './entry.js'
import { type FrameTable, L1, L2, L3, LENT, NONE, SEGMENTS, VALIDATED, WRITABLE, XEN_L2 } from './frame-table.js'
import { ENTRIES, type MachineMemory } from './machine-memory.js'

/** What the accounting asks of the rest of the hypervisor. */
export interface TypeOwner {
  /** Drops all translations: a frame is about to change its type or its owner. */
  flush(): void
  /** Puts the hypervisor's entries into a page directory for slot 3. */
  fillHypervisorSlots(directory: number): void
  /** True when the domain may map this frame of I/O memory. */
  mayMapIo(domain: number, frame: number): boolean
  /** All entries of a table are about to be validated or let go of. */
  tableWalked?(): void
}

/** First slot of a slot-3 page directory that is the hypervisor's: 0xF5800000. */
export const HYPERVISOR_SLOT = 0x1ac

export class PageTypes {
  constructor(
    private readonly memory: MachineMemory,
    readonly frames: FrameTable,
    private readonly owner: TypeOwner,
  ) {}

  /** Takes a reference to a frame of this domain; false when it is not the domain's. */
  getPage(frame: number, domain: number): boolean {
    const { frames } = this
    if (frame >= frames.frames || frames.owner[frame] !== domain) return false
    frames.references[frame]!++
    return true
  }
  /** Gives a reference back; with the last one the frame is free. */
  putPage(frame: number) {
    const { frames } = this
    if (--frames.references[frame]! > 0) return
    this.flushBefore(frame)
    frames.release(frame)
  }

  /** Takes a use of a frame as this type; 0, or why not. The caller holds a reference. */
  getType(frame: number, type: number, xenL2 = false): number {
    const { frames } = this
    if (frames.typeCount[frame]! > 0) {
      if (frames.type[frame] !== type || (frames.flags[frame]! & VALIDATED) === 0) return EINVAL
      if (type === L2 && ((frames.flags[frame]! & XEN_L2) !== 0) !== xenL2) return EINVAL
      frames.typeCount[frame]!++
      return 0
    }
    if (frames.type[frame] !== type) this.flushBefore(frame)
    else if (type === SEGMENTS && (frames.flags[frame]! & VALIDATED) !== 0) {
      frames.typeCount[frame] = 1
      return 0
    }
    frames.type[frame] = type
    frames.typeCount[frame] = 1
    frames.flags[frame] = (frames.flags[frame]! & ~(VALIDATED | XEN_L2)) | (xenL2 ? XEN_L2 : 0)
    const error = this.validate(frame, type)
    if (error !== 0) {
      frames.type[frame] = NONE
      frames.typeCount[frame] = 0
      frames.flags[frame] = frames.flags[frame]! & ~XEN_L2
      return error
    }
    frames.flags[frame] = frames.flags[frame]! | VALIDATED
    return 0
  }
  /**
   * Gives a use as its type back; a page table without uses lets go of what it maps. Descriptors stay checked until their
   * frame has another type: checked again, a call gate would lose the DPL that it keeps elsewhere.
   */
  putType(frame: number) {
    const { frames } = this
    if (--frames.typeCount[frame]! > 0) return
    frames.stamp[frame] = frames.flushes
    const type = frames.type[frame]!
    if (type === SEGMENTS) return
    if (type !== WRITABLE) this.letGo(frame, type, ENTRIES)
    frames.flags[frame] = frames.flags[frame]! & ~(VALIDATED | XEN_L2)
  }

  /** Takes a reference and a use as this type; 0, or why not. */
  getPageAndType(frame: number, type: number, domain: number, xenL2 = false): number {
    if (!this.getPage(frame, domain)) return EINVAL
    const error = this.getType(frame, type, xenL2)
    if (error !== 0) this.putPage(frame)
    return error
  }
  putPageAndType(frame: number) {
    this.putType(frame)
    this.putPage(frame)
  }

  /** Takes what an entry of a page table needs. */
  getL1Entry(low: number, high: number, domain: number): number {
    const { frames } = this
    if ((low & PRESENT) === 0) return 0
    if (highReserved(high)) return EINVAL
    const frame = frameOf(low, high)
    const hasDevices = domain === IO || domain === XEN || this.owner.mayMapIo(domain, frame)
    if ((low & CACHE_ATTRIBUTES) !== 0 && !hasDevices) return EINVAL
    if (!frames.isRam(frame)) return this.owner.mayMapIo(domain, frame) ? 0 : EPERM
    if (domain === XEN && ((low & RW) !== 0 || (frames.flags[frame]! & LENT) === 0)) return EBUSY
    if (!this.getPage(frame, domain)) return EBUSY
    if ((low & RW) === 0 || this.getType(frame, WRITABLE) === 0) return 0
    this.putPage(frame)
    return EBUSY
  }
  putL1Entry(low: number, high: number) {
    if ((low & PRESENT) === 0) return
    const frame = frameOf(low, high)
    if (!this.frames.isRam(frame)) return
    if ((low & RW) !== 0) this.putType(frame)
    this.putPage(frame)
  }

  /** Takes what an entry of a page directory, or of the table of directory pointers, needs. */
  getUpperEntry(level: number, slot: number, low: number, high: number, domain: number): number {
    if ((low & PRESENT) === 0) return 0
    if (refused(low, high)) return EINVAL
    const xenL2 = level === L3 && slot === 3
    return this.getPageAndType(frameOf(low, high), level - 1, domain, xenL2)
  }
  putUpperEntry(low: number, high: number) {
    if ((low & PRESENT) !== 0) this.putPageAndType(frameOf(low, high))
  }

  /** Entries of this table that are the guest's. */
  guestEntries(frame: number, type: number): number {
    if (type === L3) return 4
    return type === L2 && (this.frames.flags[frame]! & XEN_L2) !== 0 ? HYPERVISOR_SLOT : ENTRIES
  }

  private validate(frame: number, type: number): number {
    if (type === WRITABLE) return 0
    if (type === SEGMENTS) return checkDescriptors(this.memory, frame) ? 0 : EINVAL
    this.owner.tableWalked?.()
    const { u32 } = this.memory
    const { frames } = this
    const domain = frames.owner[frame]!
    const count = this.guestEntries(frame, type)
    for (let slot = 0; slot < count; slot++) {
      const at = frame * 1024 + 2 * slot
      const low = u32[at]!
      const high = u32[at + 1]!
      const error = type === L1 ? this.getL1Entry(low, high, domain) : this.getUpperEntry(type, slot, low, high, domain)
      if (error === 0) {
        if (type === L3 && (low & PRESENT) !== 0) u32[at] = low | USER | RW
        continue
      }
      this.letGo(frame, type, slot)
      return error
    }
    if (type === L3 && !this.hasOwnSlot3(frame)) {
      this.letGo(frame, type, count)
      return EINVAL
    }
    if ((frames.flags[frame]! & XEN_L2) !== 0) this.owner.fillHypervisorSlots(frame)
    return 0
  }
  /** The last slot must have a page directory of its own: it holds the hypervisor's entries. */
  private hasOwnSlot3(frame: number): boolean {
    const { u32 } = this.memory
    const at = frame * 1024 + 6
    return (u32[at]! & PRESENT) !== 0 && this.frames.typeCount[frameOf(u32[at]!, u32[at + 1]!)] === 1
  }
  /** Gives back what the first `count` of the guest's entries hold. */
  private letGo(frame: number, type: number, count: number) {
    if (type === SEGMENTS || type === NONE) return
    this.owner.tableWalked?.()
    const { u32 } = this.memory
    const end = Math.min(count, this.guestEntries(frame, type))
    for (let slot = 0; slot < end; slot++) {
      const at = frame * 1024 + 2 * slot
      if (type === L1) this.putL1Entry(u32[at]!, u32[at + 1]!)
      else this.putUpperEntry(u32[at]!, u32[at + 1]!)
    }
  }

  /** Drops all translations unless that was done since the frame was last used. */
  private flushBefore(frame: number) {
    const { frames } = this
    if (frames.stamp[frame]! < frames.flushes || frames.owner[frame] === IO) return
    frames.flushes++
    this.owner.flush()
  }
}
