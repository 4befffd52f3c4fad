// A far CALL or JMP through a call gate of the guest's: the gate's DPL in its table is 0, so that the processor faults with
// its selector, and the transfer is made here (xen/arch/x86/pv/emul-gate-op.c). Left out: 16-bit gates, which no table may
// hold, and the trap of a single step.

import { isFault, type Vcpu } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import { HYPERVISOR_START } from '../layout.js'
import { farOperand } from './far-operand.js'
import { CS, ESP, GP, NP, PF, SF, SS, TS } from './registers.js'
import { descriptorOf, loadCode, loadCodeAndStack } from './selectors.js'

const PRESENT = 0x8000
const CODE_OR_DATA = 0x1000
const CODE = 0x800
/** Of code: conforming; of data: expanding down. */
const CONFORMING = 0x400
const WRITABLE = 0x200
const TYPE = 0xf00
const CALL_GATE = 0xc00
const GRANULAR = 0x800000
const PARAMETERS = 0x1f
const KERNEL_RING = 1
const WRITE = 2

/** An exception that the guest gets instead. */
export interface GateFault {
  readonly vector: number
  readonly error: number
  readonly linear?: number
}

const fault = (vector: number, error: number): GateFault => ({ vector, error })
const levelOf = (high: number) => (high >>> 13) & 3

/**
 * Carries out the transfer that has met #GP with a selector as its error code.
 * @returns undefined when it is done
 */
export function callGate(vcpu: Vcpu, domain: Domain, error: number): GateFault | undefined {
  const refused = fault(GP, error)
  const { cpl } = vcpu
  const gate = error < 4 ? undefined : descriptorOf(domain, error)
  if (!gate || levelOf(gate.high) !== 0 || (gate.high & (TYPE | CODE_OR_DATA)) !== CALL_GATE) return refused
  const level = (gate.low >>> 16) & 3
  if (level < cpl) return refused
  if ((gate.high & PRESENT) === 0) return fault(NP, error)
  const operand = farOperand(vcpu)
  if (!operand || (operand.selector & ~3) !== error || level < (operand.selector & 3)) return refused

  const selector = (gate.low >>> 16) & 0xfffc
  const offset = ((gate.low & 0xffff) | (gate.high & 0xffff0000)) >>> 0
  const target = selector < 4 ? undefined : descriptorOf(domain, selector)
  const isCode = target && (target.high & (CODE_OR_DATA | CODE)) === (CODE_OR_DATA | CODE)
  if (!isCode) return fault(GP, selector)
  const inner = levelOf(target.high)
  const reachable = !operand.jump || (target.high & CONFORMING) !== 0 ? inner <= cpl : inner === cpl
  if (!reachable) return fault(GP, selector)
  if ((target.high & PRESENT) === 0) return fault(NP, selector)
  if (offset > limitOf(target)) return fault(GP, 0)

  if (operand.jump) {
    if (!loadCode(vcpu, domain, selector | cpl)) return fault(GP, selector)
  } else {
    const left = { code: vcpu.segment(CS).selector, eip: (vcpu.eip + operand.bytes) >>> 0 }
    const failed =
      inner < cpl
        ? callInner(vcpu, domain, selector | inner, gate.high & PARAMETERS, left, refused)
        : callSame(vcpu, domain, selector | cpl, left, refused)
    if (failed) return failed
  }
  vcpu.eip = offset
  return undefined
}

interface Left {
  readonly code: number
  readonly eip: number
}

/** The kernel's stack gets SS, ESP, the parameters, CS and EIP. */
function callInner(
  vcpu: Vcpu,
  domain: Domain,
  code: number,
  count: number,
  left: Left,
  refused: GateFault,
): GateFault | undefined {
  if ((code & 3) !== KERNEL_RING) return refused
  const { selector, esp } = domain.kernelStack
  const stack = selector < 4 ? undefined : descriptorOf(domain, selector)
  const isStack = stack && (stack.high & (CODE_OR_DATA | CODE | WRITABLE)) === (CODE_OR_DATA | WRITABLE)
  if (!isStack || (selector & 3) !== KERNEL_RING || levelOf(stack.high) !== KERNEL_RING) return fault(TS, selector & ~3)
  const bytes = (4 + count) * 4
  if ((stack.high & PRESENT) === 0 || !hasRoom(stack, esp, bytes)) return fault(SF, selector & ~3)
  const base = baseOf(stack)
  if ((base + esp) >>> 0 > HYPERVISOR_START) return refused
  const outer = vcpu.segment(SS)
  const outerEsp = vcpu.register(ESP)
  const parameters: number[] = []
  for (let n = count - 1; n >= 0; n--) {
    const linear = (outer.base + outerEsp + 4 * n) >>> 0
    const value = vcpu.load(linear, 4, true)
    if (isFault(value)) return { vector: PF, error: 0, linear }
    parameters.push(value as number)
  }
  const failed = push(vcpu, base + esp, [outer.selector, outerEsp, ...parameters, left.code, left.eip])
  if (failed) return failed
  if (loadCodeAndStack(vcpu, domain, code, selector)) return refused
  vcpu.setRegister(ESP, (esp - bytes) >>> 0)
  return undefined
}

function callSame(vcpu: Vcpu, domain: Domain, code: number, left: Left, refused: GateFault): GateFault | undefined {
  const { base, selector } = vcpu.segment(SS)
  const esp = vcpu.register(ESP)
  const stack = descriptorOf(domain, selector)
  if (!stack || levelOf(stack.high) !== (code & 3)) return refused
  if (!hasRoom(stack, esp, 8)) return fault(SF, 0)
  const failed = push(vcpu, base + esp, [left.code, left.eip])
  if (failed) return failed
  if (!loadCode(vcpu, domain, code)) return refused
  vcpu.setRegister(ESP, (esp - 8) >>> 0)
  return undefined
}

function push(vcpu: Vcpu, top: number, values: readonly number[]): GateFault | undefined {
  for (const [n, value] of values.entries()) {
    const linear = (top - 4 * (n + 1)) >>> 0
    if (vcpu.store(linear, 4, value, false) !== undefined) return { vector: PF, error: WRITE, linear }
  }
  return undefined
}

interface Descriptor {
  readonly low: number
  readonly high: number
}

const baseOf = ({ low, high }: Descriptor) => ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000)) >>> 0

function limitOf({ low, high }: Descriptor): number {
  const limit = (low & 0xffff) | (high & 0xf0000)
  return (high & GRANULAR) !== 0 ? limit * 4096 + 0xfff : limit
}

/** Whether so many bytes below `esp` lie in a stack segment. */
function hasRoom(stack: Descriptor, esp: number, bytes: number): boolean {
  const last = (esp - 1) >>> 0
  const first = (esp - bytes) >>> 0
  const limit = limitOf(stack)
  return first < last && ((stack.high & CONFORMING) === 0 ? last <= limit : first > limit)
}
