// Whose instructions retired: the user's (CPL 3, virtual-8086 tasks too), the kernel's, or those of the firmware of a
// machine with ROM, which is what runs before paging is on. The user's are counted by the CPU where the mode changes.
// What a VMM in its window takes of the kernel's part is counted by the engine (cpu/layout.ts, WINDOW_COUNT).

import { MODE_PAGING, MODE_USER } from '../cpu/mode.js'

export class InstructionCounts {
  private user = 0
  /** At CPL 0 to 2, with paging on and with paging off. */
  private paged = 0
  private unpaged = 0
  private paging = 0
  private since = 0
  /** USER_RETIRED of cpu/layout.ts with what it lacks at CPL 3, modulo 2^32. */
  private userSince = 0
  private window = 0
  /** The cell when it was last looked at. */
  private windowCell = 0

  /** The MODE cell has changed behind the instruction with which `retired` is reached; `userCell` is USER_RETIRED. */
  modeChanged(mode: number, retired: number, userCell: number) {
    if ((mode & MODE_PAGING) === this.paging) return
    this.upTo(mode, retired, userCell)
    this.paging = mode & MODE_PAGING
  }
  /** To be called at least once in 2^31 instructions. */
  upTo(mode: number, retired: number, userCell: number) {
    const userNow = userCell + ((mode & MODE_USER) !== 0 ? retired : 0)
    const user = (userNow - this.userSince) | 0
    this.userSince = userNow
    this.user += user
    const others = retired - this.since - user
    this.since = retired
    if (this.paging !== 0) this.paged += others
    else this.unpaged += others
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

  /** The counts when upTo() was last called; `firmware` where the machine has any. */
  at(hasRom: boolean): { user: number; kernel: number; firmware?: number } {
    const { user, paged, unpaged } = this
    return hasRom ? { user, kernel: paged, firmware: unpaged } : { user, kernel: paged + unpaged }
  }
}
