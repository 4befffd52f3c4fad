// Where the descriptor tables lie that the processor uses at the moment: GDT, IDT, and of the TSS what is read without
// a task switch by a kernel in ring 0 (SDM vol. 3, 2.4 and 7.2.1: its stack, the offset of the I/O bitmap). Left out: LDT
// and the stacks of rings 1 and 2, whose fields kernels use as plain memory.
import { GDTR_BASE, GDTR_LIMIT, IDTR_BASE, IDTR_LIMIT, SEG_BASE, segmentCell, TR } from '../cpu/layout.js'
import type { Machine } from '../machine/machine.js'
import { hostAddress, physicalAddress } from './linear-memory.js'
import { markPage } from './watched-tables.js'

const PAGE_BYTES = 0x1000
const TSS_STACK = { offset: 4, bytes: 8 }
const TSS_BITMAP_OFFSET = { offset: 100, bytes: 4 }

interface Range {
  readonly start: number
  readonly end: number
}

export class WatchedDescriptors {
  private key = ''
  private ranges: Range[] = []

  constructor(private readonly machine: Machine) {}

  /** Looks where the tables are now; cheap while they stay. */
  follow(): void {
    const { u32 } = this.machine.cpu
    const cells = [GDTR_BASE, GDTR_LIMIT, IDTR_BASE, IDTR_LIMIT, segmentCell(TR, SEG_BASE)]
    const key = cells.map(cell => u32[cell >> 2]!).join()
    if (key === this.key) return
    this.key = key
    const [gdt, gdtLimit, idt, idtLimit, tss] = cells.map(cell => u32[cell >> 2]!) as [
      number,
      number,
      number,
      number,
      number,
    ]
    this.ranges = [
      ...this.pieces(gdt, gdtLimit + 1),
      ...this.pieces(idt, idtLimit + 1),
      ...[TSS_STACK, TSS_BITMAP_OFFSET].flatMap(({ offset, bytes }) => this.pieces(tss + offset, bytes)),
    ]
    for (const { start } of this.ranges) markPage(this.machine, start - (start % PAGE_BYTES))
  }

  private pieces(linear: number, bytes: number): Range[] {
    if (linear === 0) return []
    const found: Range[] = []
    for (let at = linear; at < linear + bytes; at += PAGE_BYTES - (at % PAGE_BYTES)) {
      const physical = physicalAddress(this.machine, at >>> 0)
      const start = physical === undefined ? undefined : hostAddress(this.machine, physical)
      const length = Math.min(linear + bytes - at, PAGE_BYTES - (at % PAGE_BYTES))
      if (start !== undefined) found.push({ start, end: start + length })
    }
    return found
  }

  /** Whether a store of `bytes` bytes at a host address changes a table. Keeps its page marked. */
  holds(address: number, bytes: number): boolean {
    const range = this.ranges.find(each => address + bytes > each.start && address < each.end)
    if (range !== undefined) markPage(this.machine, range.start - (range.start % PAGE_BYTES))
    return range !== undefined
  }
}
