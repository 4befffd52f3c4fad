// Hypercalls set_debugreg (8) and get_debugreg (9): the debug registers of the processor, with addresses below the
// hypervisor's area and without the bits that the processor reserves (SDM vol. 3, 17.2).

import type { Vcpu } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import { EINVAL, EPERM } from '../errors.js'
import { HYPERVISOR_START } from '../layout.js'

const STATUS_ONES = 0xffff0ff0
const STATUS_ZEROES = 0x00001000
const CONTROL_ONE = 0x400
const CONTROL_ZEROES = 0xd800
const GENERAL_DETECT = 0x2000

/** Sets a debug register; 0 or an error. */
export function setDebugRegister(vcpu: Vcpu, domain: Domain, register: number, value: number): number {
  const values = domain.debugRegisters
  if (register <= 3) {
    if (value >= HYPERVISOR_START) return EPERM
    values[register] = value
  } else if (register === 6) values[6] = ((value & ~STATUS_ZEROES) | STATUS_ONES) >>> 0
  else if (register === 7) {
    const control = ((value & ~CONTROL_ZEROES) | CONTROL_ONE) >>> 0
    if ((control & GENERAL_DETECT) !== 0) return EPERM
    for (let n = 0; n < 4; n++) if (((control >>> (16 + 4 * n)) & 3) === 2) return EPERM
    values[7] = control
  } else return EINVAL
  const [dr0, dr1, dr2, dr3, , , dr6, dr7] = values as [number, number, number, number, number, number, number, number]
  vcpu.set({ dr: [dr0, dr1, dr2, dr3, dr6, dr7, dr6, dr7] })
  return 0
}

/** The value of a debug register, or an error. */
export function getDebugRegister(vcpu: Vcpu, domain: Domain, register: number): number {
  if (register === 6) return vcpu.state.dr[6]!
  return register <= 3 || register === 7 ? domain.debugRegisters[register]! : EINVAL
}
