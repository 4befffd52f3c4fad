// Hypercall iret (23): return to where a frame on the guest's stack says, with the event mask of its EFLAGS
// (xen/arch/x86/pv/iret.c, compat). The frame: EAX, EIP, CS, EFLAGS, and for ring 2 and 3 ESP and SS.

import { isFault, type Vcpu } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import { bounce } from './bounce.js'
import { EAX, ESP, GP, IF, IOPL, RF, SS, VM } from './registers.js'
import { loadCodeAndStack } from './selectors.js'

/** Performs it. Answers undefined, or the reason why the domain cannot go on. */
export function hypercallIret(vcpu: Vcpu, domain: Domain): string | undefined {
  const stack = vcpu.segment(SS)
  const esp = vcpu.register(ESP)
  const words: number[] = []
  for (let i = 0; i < 6; i++) {
    const word = vcpu.load((stack.base + esp + 4 * i) >>> 0, 4, false)
    if (!isFault(word)) words.push(word as number)
    else if (i < 4) return 'the frame of hypercall iret cannot be read'
  }
  const [eax, eip, codeWord, flags] = words as [number, number, number, number]
  const code = codeWord & 0xffff
  if ((flags & VM) !== 0) {
    const entry = domain.traps.at(GP)
    return entry ? bounce(vcpu, domain, entry, { errorCode: 0 }) : 'a return to virtual-8086 mode'
  }
  if ((code & 3) === 0) return `a return to ring 0 (CS 0x${code.toString(16)})`
  const outer = (code & 3) !== 1
  if (outer && words.length < 6) return 'the frame of hypercall iret cannot be read'
  domain.shared.upcallMask = (flags & IF) === 0 ? 1 : 0
  if (domain.hasArchitecturalIopl) domain.iopl = (flags & IOPL) >>> 12
  const newStack = outer ? words[5]! & 0xffff : stack.selector
  const newEsp = outer ? words[4]! : (esp + 16) >>> 0
  vcpu.setRegister(EAX, eax)
  vcpu.eflags = (flags & ~(IOPL | VM | RF)) | IF
  if (loadCodeAndStack(vcpu, domain, code, newStack)) {
    vcpu.setRegister(ESP, newEsp)
    vcpu.eip = eip
    return undefined
  }
  const entry = domain.callbacks.failsafe
  if (!entry) return 'a return to bad selectors without failsafe callback'
  if (!outer) vcpu.setRegister(ESP, newEsp)
  return bounce(vcpu, domain, entry, { segments: true, left: { code, eip, stack: newStack, esp: newEsp } })
}
