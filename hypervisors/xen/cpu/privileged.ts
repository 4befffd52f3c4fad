// Privileged instructions of ring 1, emulated where Xen does (xen/arch/x86/pv/emul-priv-op.c): CLTS, MOV to and from control
// and debug registers, WBINVD, RDTSC, RDMSR, WRMSR, ports, CLI and STI with an I/O privilege. All others stay #GP(0), HLT
// and INVD among them.

import { isFault, type Vcpu } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import { ENODEV } from '../errors.js'
import { newBase } from '../memory/mmuext-op.js'
import { getDebugRegister, setDebugRegister } from './debug-registers.js'
import { readMsr, writeMsr } from './msrs.js'
import { type PortFault, portsOf } from './ports.js'
import { CR0_TS, CS, EAX, ECX, EDX } from './registers.js'

/** Control registers as a guest sees them. */
const CR0_SHOWN = 0x80050033
const CR4_SHOWN = 0x660
const CR4_TSD = 4
const CR4_DE = 8
/** What else a guest asks for is passed over, as Xen does. */
const CR4_OF_GUEST = CR4_TSD | CR4_DE

/** `done`: emulated; `refused`: the guest has the fault; `undefined`: it has #UD instead; a page fault: it has that. */
export type Emulated = 'done' | 'refused' | 'undefined' | PortFault

const LONGEST = 15
const PREFIXES = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3])

/** Looks at the instruction at EIP that has met #GP(0). Done: EIP is behind it. */
export function emulatePrivileged(vcpu: Vcpu, domain: Domain, now: number): Emulated {
  const { base } = vcpu.segment(CS)
  const byte = (i: number) => {
    const value = vcpu.load((base + vcpu.eip + i) >>> 0, 1, vcpu.cpl === 3)
    return isFault(value) ? -1 : (value as number)
  }
  let length = 0
  while (length < LONGEST && PREFIXES.has(byte(length))) length++
  const opcode = byte(length++)
  const ports = portsOf(vcpu, opcode, byte(length))
  if (ports) return ports.operate(domain)
  const kernel = vcpu.cpl === 1
  if (opcode === 0xfa || opcode === 0xfb) {
    if (!domain.mayUsePorts(vcpu.cpl)) return 'refused'
    vcpu.eip += length
    return 'done'
  }
  if (!kernel) return 'refused'
  if (opcode !== 0x0f) return 'refused'
  const second = byte(length++)
  const done = (bytes: number): Emulated => {
    vcpu.eip += bytes
    return 'done'
  }
  switch (second) {
    case 0x06:
      setTaskSwitched(vcpu, false)
      return done(length)
    case 0x09:
      return done(length)
    case 0x20:
    case 0x21:
    case 0x22:
    case 0x23: {
      const operands = byte(length++)
      const how = moveSpecial(vcpu, domain, second, (operands >>> 3) & 7, operands & 7)
      return how === 'done' ? done(length) : how
    }
    case 0x30: {
      const ok = writeMsr(vcpu.register(ECX), { low: vcpu.register(EAX), high: vcpu.register(EDX) }, domain)
      return ok ? done(length) : 'refused'
    }
    case 0x31:
      return readTimeStamp(vcpu) ? 'done' : 'refused'
    case 0x32: {
      const value = readMsr(vcpu.register(ECX), now)
      if (!value) return 'refused'
      vcpu.setRegister(EAX, value.low)
      vcpu.setRegister(EDX, value.high)
      return done(length)
    }
    default:
      return 'refused'
  }
}

/** CR0.TS of the processor, which is the guest's too. */
export function setTaskSwitched(vcpu: Vcpu, on: boolean) {
  const { controls } = vcpu
  const cr0 = (on ? controls.cr0 | CR0_TS : controls.cr0 & ~CR0_TS) >>> 0
  if (cr0 !== controls.cr0) vcpu.controls = { ...controls, cr0 }
}

/** RDTSC of a kernel that forbids it to its user mode. */
function readTimeStamp(vcpu: Vcpu): boolean {
  const { controls } = vcpu
  vcpu.controls = { ...controls, cr4: controls.cr4 & ~CR4_TSD }
  const fault = vcpu.execute()
  vcpu.controls = controls
  return fault === undefined
}

/** MOV to and from control (20, 22) and debug registers (21, 23). */
function moveSpecial(vcpu: Vcpu, domain: Domain, opcode: number, special: number, general: number): Emulated {
  if (opcode === 0x20 || opcode === 0x21) {
    const value = opcode === 0x20 ? controlOf(vcpu, domain, special) : getDebugRegister(domain, special)
    if (value === undefined) return opcode === 0x20 ? 'refused' : 'undefined'
    vcpu.setRegister(general, value)
    return 'done'
  }
  const value = vcpu.register(general)
  if (opcode === 0x22) return setControl(vcpu, domain, special, value) ? 'done' : 'refused'
  const error = setDebugRegister(vcpu, domain, special, value)
  return error === 0 ? 'done' : error === ENODEV ? 'undefined' : 'refused'
}

/** A control register as the guest reads it; undefined where there is none. */
function controlOf(vcpu: Vcpu, domain: Domain, special: number): number | undefined {
  if (special === 0) return (CR0_SHOWN | (vcpu.controls.cr0 & CR0_TS)) >>> 0
  if (special === 2) return domain.shared.cr2
  if (special === 3) return cr3Of(domain.base)
  return special === 4 ? (CR4_SHOWN | domain.cr4) >>> 0 : undefined
}

function setControl(vcpu: Vcpu, domain: Domain, special: number, value: number): boolean {
  if (special === 0) {
    if (((value ^ CR0_SHOWN) & ~CR0_TS) !== 0) return false
    setTaskSwitched(vcpu, (value & CR0_TS) !== 0)
    return true
  }
  if (special === 2) {
    domain.shared.cr2 = value
    return true
  }
  if (special === 3) return newBase(domain, frameOfCr3(value)) === 0
  if (special !== 4) return false
  domain.cr4 = value & CR4_OF_GUEST
  const { controls } = vcpu
  vcpu.controls = { ...controls, cr4: (controls.cr4 & ~CR4_TSD) | (value & CR4_TSD) }
  return true
}

/** The frame number of a table base as 32-bit guests write it to CR3: its high bits lie at the low end. */
export const cr3Of = (frame: number) => (((frame & 0xfffff) << 12) | (frame >>> 20)) >>> 0
const frameOfCr3 = (cr3: number) => ((cr3 >>> 12) | (cr3 << 20)) >>> 0
