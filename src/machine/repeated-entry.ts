// Tells a new entry of a repeated instruction (REP INS and the like) from one that goes on: where a run ends in the midst of
// it depends on how the host slices runs, and must not be counted. It goes on when nothing has retired in between.

import type { InterceptEvent } from '../engine/interception.js'

export class RepeatedEntry {
  private linear = 0
  /** Instructions retired when it was left unfinished; -1: it was not. */
  private retired = -1

  /** Whether the instruction of this event is one that was left unfinished. */
  goesOn({ linear }: InterceptEvent, retired: number): boolean {
    return retired === this.retired && linear === this.linear
  }
  /** It has been carried out as far as it could be. */
  left({ linear, eip, form }: InterceptEvent, eipNow: number, retired: number) {
    this.linear = linear
    this.retired = form.rep !== '' && eipNow === eip ? retired : -1
  }
}
