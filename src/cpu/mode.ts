// The MODE cell, what translated code is specialised on, and the cells derived with it: stack mask and the tables in
// force for the current CPL. To be called after anything it looks at has changed.

import type { Cpu } from './cpu.js'
import { AC, VM } from './eflags.js'
import {
  CODE_SUPERVISOR,
  CODE_TABLE,
  CODE_USER,
  CPL,
  CR0,
  CR4,
  CS,
  FLAGS,
  MODE,
  SEG_RIGHTS,
  SS,
  STACK_MASK,
  segmentCell,
  TLB_READ,
  TLB_SUPERVISOR_READ,
  TLB_SUPERVISOR_WRITE,
  TLB_USER_READ,
  TLB_USER_WRITE,
  TLB_WRITE,
  USER_RETIRED,
} from './layout.js'

export const MODE_CODE32 = 1
export const MODE_STACK32 = 2
export const MODE_USER = 4 // CPL 3
export const MODE_FLAT = 8 // CS DS ES SS: base 0, limit 4 GiB, rights for all that code and stack do
export const MODE_PAGING = 16
export const MODE_PROTECTED = 32
export const MODE_V86 = 64
export const MODE_ALIGNMENT = 128 // alignment checks are on
export const MODE_NO_FPU = 256 // x87 raises #NM: CR0.EM or CR0.TS
export const MODE_NO_SSE = 512 // SSE raises #UD: no CR4.OSFXSR, or CR0.EM

/** What decoded code depends on: all but paging, alignment checks and what FPU and SSE code tests itself. */
export const MODE_OF_CODE = 0x6f

const CR4_OSFXSR = 0x200
const RIGHTS_BIG = 0x4000
const CS_RIGHTS = segmentCell(CS, SEG_RIGHTS) >> 2
const SS_RIGHTS = segmentCell(SS, SEG_RIGHTS) >> 2
/** ES, CS, SS and DS in cpu.flatSegments. */
const FLAT = 0xf

/** Recomputes MODE and its companions; reports a change of MODE, or of CS base or limit, to the host. */
export function updateMode(cpu: Cpu) {
  const i32 = cpu.i32
  const cr0 = i32[CR0 >> 2]!
  const flags = i32[FLAGS >> 2]!
  const user = i32[CPL >> 2] === 3
  const stack32 = (i32[SS_RIGHTS]! & RIGHTS_BIG) !== 0
  let mode = (i32[CS_RIGHTS]! & RIGHTS_BIG) !== 0 ? MODE_CODE32 : 0
  if (stack32) mode |= MODE_STACK32
  if ((cpu.flatSegments & FLAT) === FLAT) mode |= MODE_FLAT
  if (cr0 < 0) mode |= MODE_PAGING
  if ((cr0 & 1) !== 0) mode |= (flags & VM) !== 0 ? MODE_PROTECTED | MODE_V86 : MODE_PROTECTED
  if (user) mode |= (cr0 & 0x40000) !== 0 && (flags & AC) !== 0 ? MODE_USER | MODE_ALIGNMENT : MODE_USER
  if ((cr0 & 0xc) !== 0) mode |= MODE_NO_FPU
  if ((i32[CR4 >> 2]! & CR4_OSFXSR) === 0 || (cr0 & 4) !== 0) mode |= MODE_NO_SSE
  i32[STACK_MASK >> 2] = stack32 ? -1 : 0xffff
  i32[TLB_READ >> 2] = user ? TLB_USER_READ : TLB_SUPERVISOR_READ
  i32[TLB_WRITE >> 2] = user ? TLB_USER_WRITE : TLB_SUPERVISOR_WRITE
  i32[CODE_TABLE >> 2] = user ? CODE_USER : CODE_SUPERVISOR
  const before = i32[MODE >> 2]!
  if (before === mode && !cpu.codeSegmentMoved) return
  cpu.codeSegmentMoved = false
  if (((before ^ mode) & MODE_USER) !== 0) {
    const count = cpu.retired + cpu.transferring
    i32[USER_RETIRED >> 2]! += user ? -count : count
  }
  i32[MODE >> 2] = mode
  cpu.host.onModeChange()
}
