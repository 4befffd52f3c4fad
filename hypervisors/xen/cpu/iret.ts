// Hypercall iret (23): return to where a frame on the guest's stack says, with the event mask of its EFLAGS
// (xen/arch/x86/pv/iret.c, compat). The frame: EAX, EIP, CS, EFLAGS, and for ring 2 and 3 ESP and SS.

import { isFault, type Vcpu } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import { bounce } from './bounce.js'
import { EAX, ESP, GP, IF, IOPL, NT, RF, SS, TF, VM } from './registers.js'
import { loadCodeAndStack } from './selectors.js'

/** Words of the frame of virtual-8086 mode, EAX in front. */
const VM86_WORDS = 10
const UNREADABLE = 'the frame of hypercall iret cannot be read'

/**
 * Performs it. Answers undefined, or the reason why the domain cannot go on.
 * @param failsafe where a selector is bad the guest's failsafe callback is called, as old releases do; otherwise it has the
 * exception of a return, at the place that it returns to
 */
export function hypercallIret(vcpu: Vcpu, domain: Domain, failsafe: boolean): string | undefined {
  const stack = vcpu.segment(SS)
  const esp = vcpu.register(ESP)
  const word = (n: number) => {
    const value = vcpu.load((stack.base + esp + 4 * n) >>> 0, 4, false)
    return isFault(value) ? undefined : (value as number)
  }
  const frame = [0, 1, 2, 3].map(word)
  if (frame.includes(undefined)) return UNREADABLE
  const [eax, eip, codeWord, flags] = frame as [number, number, number, number]
  const code = codeWord & 0xffff
  if (domain.hasArchitecturalIopl) domain.iopl = (flags & IOPL) >>> 12
  vcpu.setRegister(EAX, eax)
  vcpu.eflags = (flags & ~(IOPL | VM)) | IF
  if ((flags & VM) !== 0) return refuseVm86(vcpu, domain, word, flags)
  const level = code & 3
  if (level === 0) return `a return to ring 0 (CS 0x${code.toString(16)})`
  const outer = level === 1 ? [(esp + 16) >>> 0, stack.selector] : [word(4), word(5)]
  if (outer.includes(undefined)) return UNREADABLE
  const [newEsp, stackWord] = outer as [number, number]
  const newStack = stackWord & 0xffff
  domain.shared.upcallMask = (flags & IF) === 0 ? 1 : 0
  const fault = loadCodeAndStack(vcpu, domain, code, newStack)
  if (!fault) {
    vcpu.setRegister(ESP, newEsp)
    vcpu.eip = eip
    return undefined
  }
  if (level === 1) vcpu.setRegister(ESP, newEsp)
  const left = { code, eip, stack: newStack, esp: newEsp }
  if (failsafe) {
    const entry = domain.callbacks.failsafe
    if (!entry) return 'a return to bad selectors without failsafe callback'
    return bounce(vcpu, domain, entry, { segments: true, left })
  }
  const entry = domain.traps.at(fault.vector)
  if (!entry) return `a return to bad selectors without an entry for trap ${fault.vector}`
  return bounce(vcpu, domain, entry, { errorCode: fault.error, left })
}

/**
 * There is no virtual-8086 mode: the guest has #GP(0) at the first instruction there, with the frame that the processor
 * would push, below the top of its kernel stack.
 */
function refuseVm86(
  vcpu: Vcpu,
  domain: Domain,
  word: (n: number) => number | undefined,
  flags: number,
): string | undefined {
  const entry = domain.traps.at(GP)
  if (!entry) return 'a return to virtual-8086 mode without an entry for trap 13'
  const { selector, esp: top } = domain.kernelStack
  const frame = Array.from({ length: VM86_WORDS - 1 }, (_, n) => word(n + 1))
  if (frame.includes(undefined)) return UNREADABLE
  if (loadCodeAndStack(vcpu, domain, entry.selector, selector)) return 'bad selectors of the entry for trap 13'
  const { base } = vcpu.segment(SS)
  const esp = (top - 4 * VM86_WORDS) >>> 0
  const stored = [0, ...(frame as number[])].every(
    (value, n) => vcpu.store((base + esp + 4 * n) >>> 0, 4, value, false) === undefined,
  )
  if (!stored) return `the kernel stack at 0x${esp.toString(16)} cannot be written`
  vcpu.setRegister(ESP, esp)
  vcpu.eflags &= ~(RF | NT | TF)
  vcpu.eip = entry.address
  domain.shared.upcallMask = entry.masks || (flags & IF) === 0 ? 1 : 0
  return undefined
}
