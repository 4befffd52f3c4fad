// A small machine with one domain, whose hypercalls on memory are called directly, and random sequences of them. The
// modules under test are handed in, so that altered copies of them can take the place of the real ones.

import fc from 'fast-check'
import type * as AuditModule from '../../../hypervisors/xen/memory/audit.js'
import type { MemoryContext } from '../../../hypervisors/xen/memory/context.js'
import type * as DescriptorTables from '../../../hypervisors/xen/memory/descriptor-tables.js'
import type * as FrameTableModule from '../../../hypervisors/xen/memory/frame-table.js'
import type { GuestMemory } from '../../../hypervisors/xen/memory/guest-memory.js'
import type { MachineToPhysical } from '../../../hypervisors/xen/memory/machine-to-physical.js'
import type * as MemoryOpModule from '../../../hypervisors/xen/memory/memory-op.js'
import type * as MmuUpdateModule from '../../../hypervisors/xen/memory/mmu-update.js'
import type * as MmuextOpModule from '../../../hypervisors/xen/memory/mmuext-op.js'
import type * as PageTypesModule from '../../../hypervisors/xen/memory/page-types.js'

export interface MemoryModules {
  readonly frameTable: typeof FrameTableModule
  readonly pageTypes: typeof PageTypesModule
  readonly mmuUpdate: typeof MmuUpdateModule
  readonly mmuextOp: typeof MmuextOpModule
  readonly memoryOp: typeof MemoryOpModule
  readonly descriptorTables: typeof DescriptorTables
}

export const DOMAIN = 1
export const SELF = 0x7ff0
/** First frame of the domain's; those below are the hypervisor's. */
export const FIRST = 0x110
const FREE_FRAMES = 4
export const DOMAIN_FRAMES = 28
const FRAMES = FIRST + DOMAIN_FRAMES + FREE_FRAMES
/** A frame that another domain owns. */
export const FOREIGN = FRAMES
/** One memory for all worlds, one after the other: what the domain has of it is cleared. */
const MEMORY = new Uint8Array((FRAMES + 1) * 4096)
const WORDS = new Uint32Array(MEMORY.buffer)

export class World {
  readonly memory: { u8: Uint8Array; u32: Uint32Array; changed(): void }
  readonly frames: FrameTableModule.FrameTable
  readonly types: PageTypesModule.PageTypes
  readonly context: MemoryContext
  /** Flushes of translations. */
  flushes = 0
  private readonly words = new Map<number, number>()

  constructor(readonly modules: MemoryModules) {
    MEMORY.fill(0, FIRST * 4096)
    this.memory = { u8: MEMORY, u32: WORDS, changed: () => {} }
    this.frames = new modules.frameTable.FrameTable(FRAMES + 1, FIRST)
    this.types = new modules.pageTypes.PageTypes(this.memory, this.frames, {
      flush: () => {
        this.flushes++
      },
      fillHypervisorSlots: () => {},
      mayMapIo: () => false,
    })
    for (let i = 0; i < DOMAIN_FRAMES; i++) this.frames.allocate(DOMAIN)
    this.frames.owner[FOREIGN] = 2
    this.frames.references[FOREIGN] = 1
    this.frames.flags[FOREIGN] = modules.frameTable.ALLOCATED
    const words = this.words
    const guest = {
      word: (at: number) => words.get(at) ?? 0,
      fourWords: (at: number, out: Uint32Array) => out.set([0, 4, 8, 12].map(offset => words.get(at + offset) ?? 0)),
      half: (at: number) => (words.get(at) ?? 0) & 0xffff,
      setWord: (at: number, value: number) => words.set(at, value),
    }
    this.context = {
      id: DOMAIN,
      privileged: false,
      memory: this.memory,
      frames: this.frames,
      types: this.types,
      guest: guest as unknown as GuestMemory,
      machineToPhysical: { set: () => {}, get: () => 0 } as unknown as MachineToPhysical,
      translations: { flush: () => this.flushes++, invalidate: () => {}, baseChanged: () => {}, gdtChanged: () => {} },
      base: -1,
      gdtFrames: [],
      ldt: { base: 0, entries: 0 },
      forgetLdt: () => {},
      gdtChanged: () => {},
    }
  }

  /** Puts words where the hypercall's pointers lead. */
  private arguments(values: readonly number[]): number {
    this.words.clear()
    values.forEach((value, i) => {
      this.words.set(4 * i, value >>> 0)
    })
    return 0
  }

  update(frame: number, slot: number, command: number, low: number, high: number): number {
    const list = this.arguments([frame * 4096 + slot * 8 + command, 0, low, high])
    return this.modules.mmuUpdate.mmuUpdate(this.context, list, 1, 0, SELF)
  }
  extended(command: number, first: number, second: number): number {
    const list = this.arguments([command, first, second])
    return this.modules.mmuextOp.mmuextOp(this.context, list, 1, 0, SELF)
  }
  setGdt(frames: readonly number[]): number {
    return this.modules.descriptorTables.setGdt(this.context, this.arguments(frames), frames.length * 512)
  }
  descriptor(frame: number, slot: number, low: number, high: number): number {
    return this.modules.descriptorTables.updateDescriptor(this.context, frame * 4096 + slot * 8, 0, low, high)
  }
  reservation(command: number, frame: number): number {
    this.arguments([0x1000, 1, 0, 0, SELF])
    this.words.set(0x1000, frame)
    return this.modules.memoryOp.memoryOp(
      this.context,
      { maximum: DOMAIN_FRAMES, machineMap: [], ownMap: [], maximumPlace: () => 0 },
      command,
      0,
    )
  }
  exchange(frame: number): number {
    this.arguments([0x1000, 1, 0, 0, SELF, 0x1100, 1, 0, 0, SELF, 0])
    this.words.set(0x1000, frame)
    return this.modules.memoryOp.memoryOp(
      this.context,
      { maximum: DOMAIN_FRAMES, machineMap: [], ownMap: [], maximumPlace: () => 0 },
      11,
      0,
    )
  }
  /** The guest stores through a mapping, if it has a writable one. */
  store(frame: number, slot: number, low: number, high: number) {
    const { WRITABLE } = this.modules.frameTable
    if (this.frames.type[frame] !== WRITABLE || this.frames.typeCount[frame] === 0) return
    this.memory.u32[frame * 1024 + 2 * slot] = low
    this.memory.u32[frame * 1024 + 2 * slot + 1] = high
  }

  /** Writes an entry before the frame is a table. */
  draft(frame: number, slot: number, target: number, flags: number) {
    this.memory.u32[frame * 1024 + 2 * slot] = target * 4096 + flags
  }

  audit(audit: typeof AuditModule.audit): string[] {
    const bases = this.context.base < 0 ? [] : [this.context.base]
    return audit(this.memory, this.frames, { bases, descriptorFrames: this.context.gdtFrames, lent: [] })
  }
}

/**
 * A world with tables drafted: two tables of pointers from FIRST on, four directories, four page tables (one maps a table
 * writable), and data.
 */
export function drafted(modules: MemoryModules): World {
  const world = new World(modules)
  const [pointers, pointers2, d0, d1, d2, d3, t0, t1, t2, t3, data] = Array.from({ length: 11 }, (_, i) => FIRST + i)
  ;[
    [pointers!, d3!],
    [pointers2!, d2!],
  ].forEach(([root, last]) => {
    ;[d0!, d1!, d1!, last!].forEach((directory, slot) => {
      world.draft(root!, slot, directory, 1)
    })
  })
  world.draft(d0!, 0, t0!, 7)
  world.draft(d0!, 1, t1!, 7)
  world.draft(d1!, 0, t0!, 7)
  world.draft(d3!, 0, t2!, 7)
  // In a slot of the hypervisor's: whatever stands there does not count.
  world.draft(d3!, 0x1ad, t0!, 7)
  world.draft(t0!, 0, data!, 3)
  world.draft(t0!, 1, data! + 1, 1)
  world.draft(t1!, 0, data!, 3)
  world.draft(t1!, 1, t0!, 1)
  world.draft(t2!, 5, data! + 2, 3)
  world.draft(t3!, 0, t1!, 3)
  return world
}

export type Step = (world: World) => unknown

const ownFrame = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: FIRST, max: FIRST + 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: FIRST, max: FOREIGN }) },
)
const target = fc.oneof(
  { weight: 12, arbitrary: ownFrame },
  { weight: 1, arbitrary: fc.constantFrom(0, 0xa5, 0x104, FOREIGN, FRAMES + 7, 0xfffff) },
)
const slot = fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 5 }) }, fc.constantFrom(0x1ab, 0x1ac, 511))
const flags = fc.constantFrom(0, 1, 3, 7, 5, 0x67, 0x63, 0x21, 0x81, 0x87, 0x103, 0x9)
const high = fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, fc.constantFrom(1, 0x10, 0x80000000))
const descriptorHigh = fc.constantFrom(0, 0x00cf9b00, 0x00cffb00, 0x00af9b00, 0x00008900, 0x0000ec00, 0x00cf9300)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(ownFrame, slot, fc.constantFrom(0, 0, 0, 0, 2, 3), target, flags, high).map(
      ([frame, slot, command, target, flags, high]): Step =>
        world => {
          world.update(frame, slot, command, target * 4096 + flags, high)
        },
    ),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom(0, 1, 2, 2, 4, 4, 5, 5, 16, 17), target, ownFrame).map(
      ([command, first, second]): Step =>
        world => {
          world.extended(command, first, second)
        },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.array(target, { maxLength: 3 }).map(
      (frames): Step =>
        world => {
          world.setGdt(frames)
        },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(ownFrame, slot, descriptorHigh).map(
      ([frame, slot, high]): Step =>
        world => {
          world.descriptor(frame, slot, 0xffff, high)
        },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(0, 1, 1, 6), target).map(
      ([command, frame]): Step =>
        world => {
          world.reservation(command, frame)
        },
    ),
  },
  {
    weight: 1,
    arbitrary: target.map(
      (frame): Step =>
        world => {
          world.exchange(frame)
        },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(ownFrame, slot, target, flags, descriptorHigh, fc.boolean()).map(
      ([frame, slot, target, flags, high, segment]): Step =>
        world => {
          if (segment) world.store(frame, slot, 0xffff, high)
          else world.store(frame, slot, target * 4096 + flags, 0)
        },
    ),
  },
)

/** Ways to begin: with nothing, or with tables in use already. */
const beginnings: readonly Step[][] = [
  [],
  [world => world.extended(5, FIRST, 0)],
  [world => world.extended(2, FIRST, 0)],
  [world => world.extended(2, FIRST, 0), world => world.extended(5, FIRST, 0)],
  [world => world.extended(0, FIRST + 6, 0)],
  [world => world.setGdt([FIRST + 11])],
]
/** An update of the tables that a beginning has put into use. */
const tableUpdate: fc.Arbitrary<Step> = fc
  .tuple(fc.integer({ min: FIRST, max: FIRST + 9 }), slot, fc.integer({ min: FIRST, max: FIRST + 12 }), flags)
  .map(
    ([frame, slot, target, flags]): Step =>
      world => {
        world.update(frame, slot, 0, target * 4096 + flags, 0)
      },
  )

/** Sequences of hypercalls and stores. */
export const sequences: fc.Arbitrary<Step[]> = fc
  .tuple(fc.constantFrom(...beginnings), fc.array(fc.oneof(step, tableUpdate), { minLength: 1, maxLength: 16 }))
  .map(([beginning, steps]) => [...beginning, ...steps])
