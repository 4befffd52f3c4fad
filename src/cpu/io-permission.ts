// May a program use a port: IOPL and the I/O permission bitmap of the TSS (SDM vol. 1, 18.5; vol. 3, 7.2.1, 20.2.8).

import type { Cpu } from './cpu.js'
import { VM } from './eflags.js'
import { GP } from './exceptions.js'
import { hasIoPrivilege } from './flag-changes.js'
import { FLAGS, SEG_BASE, SEG_LIMIT, SEG_RIGHTS, TR } from './layout.js'
import { systemLoad } from './memory.js'
import { segmentIndex } from './segment-cache.js'

const AT = segmentIndex(TR)
const MAP_BASE = 0x66

/** True when `size` (1, 2, 4) ports from `port` may be used; else #GP(0), or #PF on the TSS, was raised. */
export function checkIo(cpu: Cpu, port: number, size: number): boolean {
  const { i32 } = cpu
  if ((i32[FLAGS >> 2]! & VM) === 0 && hasIoPrivilege(cpu)) return true
  const limit = cpu.u32[AT + (SEG_LIMIT >> 2)]!
  const wide = (i32[AT + (SEG_RIGHTS >> 2)]! & 8) !== 0
  if (!wide || limit < MAP_BASE + 1) return cpu.raise(GP, 0)
  const tss = i32[AT + (SEG_BASE >> 2)]!
  const offset = systemLoad(cpu, (tss + MAP_BASE) | 0, 2) + (port >>> 3)
  if (cpu.faulted) return false
  if (offset + 1 > limit) return cpu.raise(GP, 0)
  const bits = systemLoad(cpu, (tss + offset) | 0, 2)
  if (cpu.faulted) return false
  return (bits & (((1 << size) - 1) << (port & 7))) === 0 || cpu.raise(GP, 0)
}
