// Faults for the validation code: text of a file and what takes its place. Each text stands in its file exactly once.

export interface SeededFault {
  /** Below hypervisors/xen. */
  readonly file: string
  readonly text: string
  readonly fault: string
}

const types = 'memory/page-types.ts'
const entry = 'memory/entry-update.ts'
const mmuext = 'memory/mmuext-op.ts'
const tables = 'memory/descriptor-tables.ts'
const checks = 'memory/descriptor-checks.ts'

export const seededFaults: readonly SeededFault[] = [
  { file: types, text: ' || frames.owner[frame] !== domain) return false', fault: ') return false' },
  { file: types, text: '--frames.references[frame]! > 0', fault: '--frames.references[frame]! > 1' },
  { file: types, text: 'frames.type[frame] !== type || (frames.flags', fault: 'false || (frames.flags' },
  { file: types, text: '      frames.typeCount[frame]!++\n', fault: '\n' },
  { file: types, text: 'const error = this.validate(frame, type)', fault: 'const error = 0' },
  { file: types, text: 'if (type !== WRITABLE) this.letGo', fault: 'if (type === NONE) this.letGo' },
  { file: types, text: 'if (error !== 0) this.putPage(frame)', fault: '' },
  { file: types, text: 'if (highReserved(high)) return EINVAL', fault: '' },
  { file: types, text: '(low & RW) === 0 || this.getType(frame, WRITABLE) === 0', fault: 'true' },
  { file: types, text: '    this.putPage(frame)\n    return EBUSY', fault: '    return EBUSY' },
  { file: types, text: 'if ((low & RW) !== 0) this.putType(frame)', fault: '' },
  { file: types, text: 'if (refused(low, high)) return EINVAL', fault: '' },
  { file: types, text: 'const xenL2 = level === L3 && slot === 3', fault: 'const xenL2 = false' },
  { file: types, text: '(frames.flags[frame]! & XEN_L2) !== 0) !== xenL2', fault: 'false) !== false' },
  { file: types, text: '      this.letGo(frame, type, slot)\n', fault: '' },
  { file: types, text: 'type === L3 && !this.hasOwnSlot3(frame)', fault: 'false' },
  { file: types, text: '!== 0 ? HYPERVISOR_SLOT : ENTRIES', fault: '!== 0 ? ENTRIES : ENTRIES' },
  {
    file: types,
    text: '!== 0) this.putPageAndType(frameOf(low, high))',
    fault: '!== 0) this.putPage(frameOf(low, high))',
  },
  { file: types, text: 'if (!this.getPage(frame, domain)) return EBUSY', fault: 'this.frames.references[frame]!++' },
  { file: entry, text: 'if (type === L3 && slot >= 3) return EINVAL', fault: '' },
  { file: entry, text: ') !== 0 && slot >= HYPERVISOR_SLOT) return EPERM', fault: ') < 0) return EPERM' },
  { file: entry, text: '((oldLow ^ low) & ~HARMLESS) === 0', fault: '((oldLow ^ low) & ~(HARMLESS | RW)) === 0' },
  { file: entry, text: '(oldLow ^ low) & ~HARMLESS', fault: '(oldLow ^ low) & 0xfff & ~HARMLESS' },
  { file: entry, text: 'if (type === L1) types.putL1Entry(oldLow, oldHigh)', fault: 'if (type === L1) {}' },
  { file: entry, text: 'if (error !== 0) return error', fault: '' },
  { file: 'memory/mmu-update.ts', text: 'if (types.getType(frame, WRITABLE) !== 0) return EINVAL', fault: '' },
  { file: 'memory/mmu-update.ts', text: '  types.putPage(frame)\n  return result', fault: '  return result' },
  { file: mmuext, text: 'if ((frames.flags[frame]! & PINNED) !== 0) {', fault: 'if (frame < 0) {' },
  { file: mmuext, text: 'frames.flags[frame] = frames.flags[frame]! & ~PINNED', fault: '' },
  { file: mmuext, text: 'if (old >= 0) types.putPageAndType(old)', fault: '' },
  {
    file: mmuext,
    text: 'types.getPageAndType(frame, L3, context.id)',
    fault: 'types.getPageAndType(frame, L2, context.id)',
  },
  {
    file: mmuext,
    text: 'types.getPageAndType(frame, WRITABLE, owner)',
    fault: '(types.getPage(frame, owner) ? 0 : EINVAL)',
  },
  { file: tables, text: 'for (const frame of taken) types.putPageAndType(frame)', fault: '' },
  { file: tables, text: 'for (const frame of old) types.putPageAndType(frame)', fault: '' },
  { file: tables, text: '+ 1] = checked.high', fault: '+ 1] = high' },
  { file: checks, text: 'if ((high & LONG) !== 0) return undefined', fault: '' },
  { file: checks, text: '(high & DPL) === 0 ? RING1 : high & DPL', fault: 'high & DPL' },
  { file: checks, text: 'if ((high & TYPE) !== CALL_GATE) return undefined', fault: '' },
  {
    file: 'memory/reservation.ts',
    text: '(flags & (ALLOCATED | LENT)) !== ALLOCATED',
    fault: '(flags & LENT) !== 0',
  },
]
