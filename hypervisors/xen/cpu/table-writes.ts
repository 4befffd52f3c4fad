// A store of ring 1 to a page table that is mapped read-only: it is carried out, and what it has changed is checked as
// mmu_update does (xen/arch/x86/pv/ro-page-fault.c). Left out: directories and tables of pointers, whose stores fault.

import type { Vcpu } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import { frameOf, PRESENT, RW } from '../memory/entry.js'
import { updateEntry } from '../memory/entry-update.js'
import { L1 } from '../memory/frame-table.js'
import { ENTRIES } from '../memory/machine-memory.js'

const REGISTERS = 8

/**
 * Carries out the store at EIP that has met #PF at `linear`.
 * @returns false when it is no store to a page table, or makes an entry that is refused: nothing has changed then
 */
export function tableWrite(vcpu: Vcpu, domain: Domain, linear: number): boolean {
  const { memory, frames, guest } = domain
  const { u32 } = memory
  const mapping = guest.entryIndex(linear)
  if (mapping < 0) return false
  const low = u32[mapping]!
  const table = frameOf(low, u32[mapping + 1]!)
  if ((low & (PRESENT | RW)) !== PRESENT || table >= frames.frames) return false
  if (frames.owner[table] !== domain.id || frames.type[table] !== L1 || frames.typeCount[table] === 0) return false

  const registers = Array.from({ length: REGISTERS }, (_, n) => vcpu.register(n))
  const { eip, eflags } = vcpu
  const before = u32.slice(table << 10, (table + 1) << 10)
  u32[mapping] = low | RW
  vcpu.invalidate(linear)
  const fault = vcpu.execute()
  // The page may map itself: only what the store has written counts, not the right that it was lent.
  const after = u32.slice(table << 10, (table + 1) << 10)
  u32.set(before, table << 10)
  u32[mapping] = low
  vcpu.invalidate(linear)
  const undo = () => {
    registers.forEach((value, n) => {
      vcpu.setRegister(n, value)
    })
    vcpu.eip = eip
    vcpu.eflags = eflags
    return false
  }
  if (fault) return undo()
  for (let slot = 0; slot < ENTRIES; slot++) {
    const newLow = after[2 * slot]!
    const newHigh = after[2 * slot + 1]!
    const lowChanged = newLow !== before[2 * slot]
    if (!lowChanged && newHigh === before[2 * slot + 1]) continue
    if ((table << 10) + 2 * slot === mapping) continue
    if (updateEntry(domain, table, L1, slot, newLow, newHigh, domain.id, false) === 0) continue
    // The upper half alone: the guest writes the lower one next.
    if (lowChanged || updateEntry(domain, table, L1, slot, newLow & ~PRESENT, newHigh, domain.id, false) !== 0)
      return undo()
  }
  return true
}
