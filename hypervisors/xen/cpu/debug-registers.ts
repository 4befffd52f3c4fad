// Hypercalls set_debugreg (8) and get_debugreg (9): the debug registers as the guest has them (SDM vol. 3, 17.2; Xen's
// set_debugreg). DR4 and DR5 name DR6 and DR7 unless the guest has CR4.DE. What the processor reports adds up in DR6 until
// the guest clears it. Left out: breakpoints on ports, which are kept and shown but never met.

import type { Vcpu } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import { ENODEV, EPERM } from '../errors.js'
import { CS } from './registers.js'

export const STATUS_AT_START = 0xffff0ff0
const STATUS_ZEROES = 0x00001000
const CONTROL_ONE = 0x400
const CONTROL_ZEROES = 0xd800
const GENERAL_DETECT = 0x2000
const ENABLED = 0xff
const ON_PORTS = 2
const CR4_DE = 8
const STEP = 0x4000

/** The register that a number means; -1 where there is none. */
function named({ cr4 }: Domain, register: number): number {
  if (register <= 3 || register === 6 || register === 7) return register
  return (register === 4 || register === 5) && (cr4 & CR4_DE) === 0 ? register + 2 : -1
}

/** Sets a debug register; 0 or an error. */
export function setDebugRegister(vcpu: Vcpu, domain: Domain, register: number, value: number): number {
  const values = domain.debugRegisters
  const known = named(domain, register)
  if (known < 0) return ENODEV
  if (known <= 3) values[known] = value
  else if (known === 6) values[6] = ((value & ~STATUS_ZEROES) | STATUS_AT_START) >>> 0
  else {
    const control = ((value & ~CONTROL_ZEROES) | CONTROL_ONE) >>> 0
    if ((control & GENERAL_DETECT) !== 0) return EPERM
    if ((control & ENABLED) !== 0 && portsOf(control).length > 0 && (domain.cr4 & CR4_DE) === 0) return EPERM
    values[7] = control
  }
  const [dr0, dr1, dr2, dr3] = values as [number, number, number, number]
  const control = portsOf(values[7]!).reduce((bits, n) => bits & ~(3 << (2 * n)), values[7]!) >>> 0
  vcpu.set({ dr: [dr0, dr1, dr2, dr3, STATUS_AT_START, control, STATUS_AT_START, control] })
  return 0
}

/** Breakpoints on ports among those of a control register. */
const portsOf = (control: number) => [0, 1, 2, 3].filter(n => ((control >>> (16 + 4 * n)) & 3) === ON_PORTS)

/** The value of a debug register; undefined where there is none. */
export function getDebugRegister(domain: Domain, register: number): number | undefined {
  const known = named(domain, register)
  return known < 0 ? undefined : domain.debugRegisters[known]!
}

/** A debug exception has happened: what the processor says of it goes to the guest's DR6. */
export function noteDebugException(vcpu: Vcpu, domain: Domain) {
  const values = domain.debugRegisters
  values[6] = (values[6]! | (vcpu.state.dr[6]! & ~STATUS_AT_START)) >>> 0
  passOver(vcpu)
}
/** What the processor says of a debug exception is forgotten. */
export function passOver(vcpu: Vcpu) {
  const { dr } = vcpu.state
  vcpu.set({ dr: [dr[0]!, dr[1]!, dr[2]!, dr[3]!, STATUS_AT_START, dr[7]!, STATUS_AT_START, dr[7]!] })
}
/** True when a breakpoint is on the instruction that is next. */
export function executionWatched(vcpu: Vcpu, { debugRegisters }: Domain): boolean {
  const control = debugRegisters[7]!
  const linear = (vcpu.segment(CS).base + vcpu.eip) >>> 0
  return [0, 1, 2, 3].some(
    n => ((control >>> (2 * n)) & 3) !== 0 && ((control >>> (16 + 4 * n)) & 3) === 0 && debugRegisters[n] === linear,
  )
}
/** An emulated instruction was a single step. */
export function noteStep({ debugRegisters }: Domain) {
  debugRegisters[6] = (debugRegisters[6]! | STEP) >>> 0
}
