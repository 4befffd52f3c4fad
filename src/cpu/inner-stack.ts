// The stack of an inner privilege level: SS:ESP out of the current TSS, checked (SDM vol. 3, 5.8.5, 6.12.1).

import type { Cpu } from './cpu.js'
import { setAccessed } from './descriptors.js'
import { TS } from './exceptions.js'
import { SEG_BASE, SEG_LIMIT, SEG_RIGHTS, SEG_SELECTOR, TR } from './layout.js'
import { systemLoad } from './memory.js'
import { segmentIndex } from './segment-cache.js'
import { checkStackSegment } from './segmentation.js'

const AT = segmentIndex(TR)

/**
 * Finds the stack of level `dpl` (0-2). Leaves cpu.innerSelector, cpu.innerEsp and the descriptor of SS in the Cpu.
 * False when #TS, #SS or #PF was raised; error codes have `ext` added.
 */
export function innerStack(cpu: Cpu, dpl: number, vector: number, ext: number): boolean {
  const { i32 } = cpu
  const wide = (i32[AT + (SEG_RIGHTS >> 2)]! & 8) !== 0
  const limit = cpu.u32[AT + (SEG_LIMIT >> 2)]!
  const offset = wide ? 4 + 8 * dpl : 2 + 4 * dpl
  const last = offset + (wide ? 5 : 3)
  if (last > limit) return cpu.raise(TS, (i32[AT + (SEG_SELECTOR >> 2)]! & 0xfffc) | ext)
  const address = (i32[AT + (SEG_BASE >> 2)]! + offset) | 0
  const esp = systemLoad(cpu, address, wide ? 4 : 2)
  if (cpu.faulted) return false
  const selector = systemLoad(cpu, (address + (wide ? 4 : 2)) | 0, 2)
  if (cpu.faulted) return false
  if (!checkStackSegment(cpu, selector, dpl, vector, ext) || !setAccessed(cpu)) return false
  cpu.innerSelector = selector
  cpu.innerEsp = esp
  return true
}
