// How an instruction may end other than by going on to the next one, a jump or an exception: the `reason` of b.stop().
// In all of them but STOP_AGAIN the instruction counts as retired.

/** A helper has set EIP (and perhaps the mode): go on at the EIP cell. */
export const STOP_TRANSFER = 1
/** Completed; go on at the next instruction after pending interrupts, traps and mode changes have been looked at. */
export const STOP_NEXT = 2
/** A repeated string instruction that is not finished: go on at the same instruction. It has charged BUDGET itself. */
export const STOP_AGAIN = 3
