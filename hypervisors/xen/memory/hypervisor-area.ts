// The hypervisor's part of a guest's address space: in every page directory for slot 3, the table from machine to physical
// frames as large pages, and one table with the descriptor tables and TSS of the domain. All of it read-only: write
// protection is on, so that ring 1 cannot change it.

import { DOMAIN_SLOT, GDT_PAGES, LDT_PAGES, RESERVED_DESCRIPTORS, TSS_LIMIT } from '../layout.js'
import { clearFrame, ENTRIES, type MachineMemory } from './machine-memory.js'
import type { MachineToPhysical } from './machine-to-physical.js'
import { HYPERVISOR_SLOT } from './page-types.js'

const PRESENT_ACCESSED = 0x21
const LARGE = 0x80
const LARGE_BYTES = 0x200000
const RESERVED_FIRST = 0xe000
const RESERVED_PAGE = GDT_PAGES
const LDT_FIRST = 16
const IDT_PAGE = 32
const TSS_PAGE = 33
/** Word of the task-state segment whose high half is the offset of its map of I/O ports. */
const TSS_PORT_MAP = 25

/** Frames that the area takes; all the hypervisor's. */
export interface AreaFrames {
  readonly table: number
  readonly empty: number
  readonly descriptors: number
  readonly idt: number
  readonly tss: number
}

export class HypervisorArea {
  constructor(
    private readonly memory: MachineMemory,
    private readonly machineToPhysical: MachineToPhysical,
    readonly frames: AreaFrames,
  ) {
    for (const frame of Object.values(frames)) clearFrame(memory, frame)
    for (const [selector, low, high] of RESERVED_DESCRIPTORS) {
      const at = frames.descriptors * 1024 + (selector - RESERVED_FIRST) / 4
      memory.u32[at] = low
      memory.u32[at + 1] = high
    }
    this.map(RESERVED_PAGE, frames.descriptors)
    this.map(IDT_PAGE, frames.idt)
    this.map(TSS_PAGE, frames.tss)
    // No map: every port asks the hypervisor, whatever stands in the segment.
    memory.u32[frames.tss * 1024 + TSS_PORT_MAP] = (TSS_LIMIT + 1) << 16
    this.showGdt([])
  }

  private map(page: number, frame: number) {
    this.memory.u32[this.frames.table * 1024 + 2 * page] = frame < 0 ? 0 : ((frame << 12) | PRESENT_ACCESSED) >>> 0
  }

  /** The hypervisor's entries of a page directory for slot 3. */
  fill(directory: number) {
    const { u32 } = this.memory
    const large = Math.ceil(this.machineToPhysical.bytes / LARGE_BYTES)
    for (let slot = HYPERVISOR_SLOT; slot < ENTRIES; slot++) {
      const at = directory * 1024 + 2 * slot
      const page = slot - HYPERVISOR_SLOT
      u32[at] = page < large ? this.machineToPhysical.address + page * LARGE_BYTES + (PRESENT_ACCESSED | LARGE) : 0
      u32[at + 1] = 0
    }
    u32[directory * 1024 + 2 * DOMAIN_SLOT] = ((this.frames.table << 12) | PRESENT_ACCESSED) >>> 0
  }

  /** Shows the frames of the guest's descriptor table; pages that it has not are empty. */
  showGdt(frames: readonly number[]) {
    for (let page = 0; page < GDT_PAGES; page++) this.map(page, frames[page] ?? this.frames.empty)
  }
  /** Shows a page of the local descriptor table. */
  showLdtPage(page: number, frame: number) {
    this.map(LDT_FIRST + page, frame)
  }
  hideLdt() {
    for (let page = 0; page < LDT_PAGES; page++) this.map(LDT_FIRST + page, -1)
  }

  /** Writes a gate of the interrupt descriptor table: low and high words. */
  setGate(vector: number, low: number, high: number) {
    const at = this.frames.idt * 1024 + 2 * vector
    this.memory.u32[at] = low
    this.memory.u32[at + 1] = high
  }
  /** The ring-1 stack in the task-state segment, for gates that need no hypervisor. */
  setRing1Stack(selector: number, esp: number) {
    const at = this.frames.tss * 1024
    this.memory.u32[at + 3] = esp
    this.memory.u32[at + 4] = selector
  }
}
