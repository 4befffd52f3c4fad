// Entering the guest's kernel as an interrupt would: the frame on its ring-1 stack, with the saved event mask in the high
// half of CS (xen/arch/x86/x86_64/compat/entry.S says what it looks like). Events, traps and the failsafe callback.

import type { Vcpu } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import { CS, DS, ES, ESP, FS, GS, IF, IOPL, NT, RF, SS, TF, VM } from './registers.js'
import { loadCode, loadCodeAndStack } from './selectors.js'
import type { Entry } from './trap-table.js'

/** Where the guest was. The selectors need not be loadable. */
export interface PlaceLeft {
  readonly code: number
  readonly eip: number
  readonly stack: number
  readonly esp: number
}

/** What goes into a frame beside registers. */
export interface FrameOptions {
  readonly errorCode?: number | undefined
  /** The data segment registers lie below the frame. */
  readonly segments?: boolean
  /** The place left, as the frame shows it; without it, where the processor is. */
  readonly left?: Partial<PlaceLeft>
}

/** Enters the guest's kernel. Answers undefined, or the reason why the domain cannot go on. */
export function bounce(vcpu: Vcpu, domain: Domain, entry: Entry, options: FrameOptions = {}): string | undefined {
  const { shared } = domain
  const here = {
    code: vcpu.segment(CS).selector,
    eip: vcpu.eip,
    stack: vcpu.segment(SS).selector,
    esp: vcpu.register(ESP),
  }
  const { code, eip, stack, esp: oldEsp } = { ...here, ...options.left }
  const from = code & 3
  const mask = shared.upcallMask
  const flags = vcpu.eflags
  const shown = (flags & ~(IF | IOPL)) | (mask === 0 ? IF : 0) | (domain.hasArchitecturalIopl ? domain.iopl << 12 : 0)
  if (from === 1) {
    if (!loadCode(vcpu, domain, entry.selector)) return `bad code selector ${hex(entry.selector)} of an entry`
  } else {
    const { selector, esp } = domain.kernelStack
    if (loadCodeAndStack(vcpu, domain, entry.selector, selector))
      return `bad selectors ${hex(entry.selector)}, ${hex(selector)} of an entry`
    vcpu.setRegister(ESP, esp)
  }
  const { base } = vcpu.segment(SS)
  let esp = vcpu.register(ESP)
  let ok = true
  const push = (value: number) => {
    esp = (esp - 4) >>> 0
    ok &&= vcpu.store((base + esp) >>> 0, 4, value >>> 0, false) === undefined
  }
  if (from !== 1) {
    push(stack)
    push(oldEsp)
  }
  push(shown)
  push((code & 0xffff) | (mask << 16))
  push(eip)
  if (options.errorCode !== undefined) push(options.errorCode)
  if (options.segments) for (const register of [GS, FS, ES, DS]) push(vcpu.segment(register).selector)
  if (!ok) return `the kernel stack at ${hex(esp)} cannot be written`
  vcpu.setRegister(ESP, esp)
  vcpu.eflags = flags & ~(TF | NT | RF | VM)
  vcpu.eip = entry.address
  if (entry.masks) shared.upcallMask = 1
  return undefined
}

const hex = (value: number) => `0x${value.toString(16)}`
