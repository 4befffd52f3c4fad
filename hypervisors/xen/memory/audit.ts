// An independent check of the frame accounting: counts all uses from scratch, from what the domains hold, what tables that
// are in use say and what the processor uses, and compares. It shares no rule with page-types.ts; only tests call it.

import type { FrameTable } from './frame-table.js'
import type { MachineMemory } from './machine-memory.js'

/** Uses of frames that stand in no page table. */
export interface Roots {
  /** Page-directory-pointer tables that a virtual CPU runs on. */
  readonly bases: readonly number[]
  /** Frames of descriptor tables in use. */
  readonly descriptorFrames: readonly number[]
  /** Frames that the hypervisor shares with a domain and holds as writable. */
  readonly lent: readonly number[]
  /** Mappings of granted frames beyond those in page tables: one for each. */
  readonly granted?: readonly { frame: number; writable: boolean }[]
}

const KINDS = 8
const TABLES = [1, 2, 3]
const SEGMENT_PAGE = 5
const WRITABLE_PAGE = 7
const FLAG_VALIDATED = 1
const FLAG_PINNED = 2
const FLAG_ALLOCATED = 4
const FLAG_SLOT3 = 8
const FREE_OWNER = 0xffff
const IO_OWNER = 0x7ff1
const XEN_OWNER = 0x7ff2

/** What is wrong, one line each; empty when all is well. */
export function audit(memory: MachineMemory, frames: FrameTable, roots: Roots): string[] {
  const problems: string[] = []
  const references = new Int32Array(frames.frames)
  const uses = new Int32Array(frames.frames * KINDS)
  const refer = (frame: number) => {
    references[frame]!++
  }
  const use = (frame: number, type: number) => {
    refer(frame)
    uses[frame * KINDS + type]!++
  }
  const hex = (n: number) => n.toString(16)

  for (const frame of roots.bases) use(frame, 3)
  for (const frame of roots.descriptorFrames) use(frame, SEGMENT_PAGE)
  for (const frame of roots.lent) use(frame, WRITABLE_PAGE)
  for (const { frame, writable } of roots.granted ?? []) writable ? use(frame, WRITABLE_PAGE) : refer(frame)

  for (let frame = 0; frame < frames.frames; frame++) {
    const flags = frames.flags[frame]!
    const type = frames.type[frame]!
    if ((flags & FLAG_ALLOCATED) !== 0) refer(frame)
    if ((flags & FLAG_PINNED) !== 0) use(frame, type)
    if (frames.typeCount[frame]! <= 0) continue
    if (type === SEGMENT_PAGE) problems.push(...descriptorProblems(memory, frame))
    if (!TABLES.includes(type)) continue
    if ((flags & FLAG_VALIDATED) === 0) problems.push(`frame ${hex(frame)} is in use but was not validated`)
    const guestSlots = type === 3 ? 4 : type === 2 && (flags & FLAG_SLOT3) !== 0 ? 428 : 512
    for (let slot = 0; slot < guestSlots; slot++) {
      const low = memory.u32[frame * 1024 + slot * 2]!
      const high = memory.u32[frame * 1024 + slot * 2 + 1]!
      if (low % 2 === 0) continue
      const where = `entry ${slot} of table ${hex(frame)} (level ${type})`
      if (high > 15) problems.push(`${where} has reserved bits: ${hex(high)}`)
      const target = Math.floor(low / 4096) + (high & 15) * 2 ** 20
      const outside = target >= frames.frames || frames.owner[target] === IO_OWNER
      if (type === 1) {
        if (outside) continue
        const writable = (low & 2) !== 0
        const owner = frames.owner[target]!
        if (owner === XEN_OWNER && writable)
          problems.push(`${where} maps the hypervisor's frame ${hex(target)} writable`)
        if (owner === XEN_OWNER && (frames.flags[target]! & 16) === 0)
          problems.push(`${where} maps the hypervisor's frame ${hex(target)}`)
        if (owner === FREE_OWNER) problems.push(`${where} maps frame ${hex(target)}, which nobody owns`)
        if (owner !== frames.owner[frame] && owner !== XEN_OWNER)
          problems.push(`${where} maps the foreign frame ${hex(target)}`)
        if (writable) use(target, WRITABLE_PAGE)
        else refer(target)
      } else {
        if (outside || frames.owner[target] !== frames.owner[frame])
          problems.push(`${where} leads to frame ${hex(target)}, which is not the domain's`)
        if (type === 2 && (low & 0x80) !== 0) problems.push(`${where} is a large page`)
        if (type === 3 && (low & 0x198) !== 0) problems.push(`${where} has refused bits: ${hex(low)}`)
        const slot3 = (frames.flags[target]! & FLAG_SLOT3) !== 0
        if (type === 3 && slot3 !== (slot === 3)) problems.push(`${where}: wrong kind of page directory`)
        use(target, type - 1)
      }
    }
    if (type === 3 && memory.u32[frame * 1024 + 6]! % 2 === 0) problems.push(`table ${hex(frame)} has no slot 3`)
  }

  for (let frame = 0; frame < frames.frames; frame++) {
    const owner = frames.owner[frame]!
    if (owner === XEN_OWNER || owner === IO_OWNER) continue
    const counted = references[frame]!
    if (counted !== frames.references[frame])
      problems.push(`frame ${hex(frame)} has ${frames.references[frame]} references, ${counted} were found`)
    let typed = 0
    for (let type = 1; type < KINDS; type++) {
      if (uses[frame * KINDS + type] === 0) continue
      if (typed !== 0) problems.push(`frame ${hex(frame)} is used as types ${typed} and ${type}`)
      typed = type
    }
    const number = typed === 0 ? 0 : uses[frame * KINDS + typed]!
    if (number !== frames.typeCount[frame])
      problems.push(`frame ${hex(frame)} has ${frames.typeCount[frame]} uses, ${number} were found`)
    if (number > 0 && typed !== frames.type[frame])
      problems.push(`frame ${hex(frame)} has type ${frames.type[frame]}, its uses are of type ${typed}`)
    if (owner === FREE_OWNER && counted > 0) problems.push(`frame ${hex(frame)} is free and used`)
  }
  return problems
}

function descriptorProblems(memory: MachineMemory, frame: number): string[] {
  const problems: string[] = []
  for (let entry = 0; entry < 512; entry++) {
    const high = memory.u32[frame * 1024 + entry * 2 + 1]!
    const present = (high >>> 15) % 2 === 1
    const ring = (high >>> 13) & 3
    const plain = (high >>> 12) % 2 === 1
    const kind = (high >>> 8) & 15
    if (!present) continue
    const bad = plain ? ring === 0 || (high & 0x200000) !== 0 : kind === 12 ? ring !== 0 : kind !== 0
    if (bad) problems.push(`descriptor ${entry} of page ${frame.toString(16)} is not allowed: ${high.toString(16)}`)
  }
  return problems
}
