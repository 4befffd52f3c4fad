// Model-specific registers that a guest may read. All others, and all writes, are #GP(0).

const TIME_STAMP_COUNTER = 0x10
const APIC_BASE = 0x1b
const EFER = 0xc0000080

const APIC_AT = 0xfee00900
/** System calls and long mode, which a 64-bit hypervisor has on. */
const EFER_SHOWN = 0x501
const WORD = 0x100000000

/** The value of a register; undefined where there is none. */
export function readMsr(register: number, now: number): { low: number; high: number } | undefined {
  switch (register) {
    case TIME_STAMP_COUNTER:
      return { low: now % WORD, high: Math.floor(now / WORD) }
    case APIC_BASE:
      return { low: APIC_AT, high: 0 }
    case EFER:
      return { low: EFER_SHOWN, high: 0 }
    default:
      return undefined
  }
}
