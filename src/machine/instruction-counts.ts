// Whose instructions retired: the user's (CPL 3, virtual-8086 tasks too), the kernel's, or those of the firmware of a
// machine with ROM, which is what runs before paging is on. Counted where the mode changes, so that it costs nothing else.
// What a VMM in its window takes of the kernel's part is counted by the engine (cpu/layout.ts, WINDOW_COUNT).

import { MODE_PAGING, MODE_USER } from '../cpu/mode.js'

const WATCHED = MODE_USER | MODE_PAGING

export class InstructionCounts {
  private user = 0
  /** At CPL 0 to 2, with paging on and with paging off. */
  private paged = 0
  private unpaged = 0
  private mode = 0
  private since = 0
  private window = 0
  /** The cell when it was last looked at. */
  private windowCell = 0

  /** The MODE cell has changed behind the instruction with which `retired` is reached. */
  modeChanged(mode: number, retired: number) {
    if ((mode & WATCHED) === this.mode) return
    this.upTo(retired)
    this.mode = mode & WATCHED
  }
  private upTo(retired: number) {
    const count = retired - this.since
    this.since = retired
    if ((this.mode & MODE_USER) !== 0) this.user += count
    else if ((this.mode & MODE_PAGING) !== 0) this.paged += count
    else this.unpaged += count
  }

  /** Looks at the engine's count, which is modulo 2^32; to be called more often than that, when the engine has been left. */
  windowCounted(cell: number) {
    this.window += (cell - this.windowCell) >>> 0
    this.windowCell = cell
  }
  /** Retired in the window. */
  get inWindow(): number {
    return this.window
  }

  /** The counts when `retired` instructions have retired in all; `firmware` where the machine has any. */
  at(retired: number, hasRom: boolean): { user: number; kernel: number; firmware?: number } {
    this.upTo(retired)
    const { user, paged, unpaged } = this
    return hasRom ? { user, kernel: paged, firmware: unpaged } : { user, kernel: paged + unpaged }
  }
}
