// Lists of requests in guest memory, as mmu_update and mmuext_op take them: carried out in order up to the first error or
// to a pointer that leads nowhere; how many were done is stored on request (xen/include/public/xen.h).

import { BadPointer, EFAULT } from '../errors.js'
import type { MemoryContext } from './context.js'

/**
 * Carries out requests 0 up to `count`.
 * @param done address of the word that takes how many were done, or 0; a bad one changes nothing
 * @param request one of them; 0, or an error
 * @returns 0 or the first error
 */
export function requestList(
  { guest }: MemoryContext,
  count: number,
  done: number,
  request: (index: number) => number,
): number {
  let result = 0
  let index = 0
  try {
    for (; index < count; index++) {
      result = request(index)
      if (result !== 0) break
    }
  } catch (error) {
    if (!(error instanceof BadPointer)) throw error
    result = EFAULT
  }
  if (done === 0) return result
  try {
    guest.setWord(done, index)
  } catch (error) {
    if (!(error instanceof BadPointer)) throw error
  }
  return result
}
