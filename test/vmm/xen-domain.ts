// A guest on the VMM in a domain of our Xen: what `run --on xen` and an export put together.
import { readFileSync } from 'node:fs'
import { models } from '../../src/cpu/models.js'
import { parseElf } from '../../src/loader/elf.js'
import type { LoadedFile } from '../../src/loader/entry.js'
import { loadLinux } from '../../src/loader/linux.js'
import { embedGuest, packGuest, RecordedMemory, VMM_MEMORY_BYTES } from '../../src/rewriter/package.js'
import { planRewrite } from '../../src/rewriter/plan.js'
import { rewrite } from '../../src/rewriter/rewriter.js'
import { type DomainOptions, type RunningDomain, startDomain } from '../hypervisors/xen/domain.js'

export interface XenGuest {
  readonly kernel: LoadedFile
  readonly initrd?: LoadedFile
  readonly commandLine: string
  readonly memory: number
}

/** The VMM with the guest inside. */
export function xenKernel(vmm: string, guest: XenGuest): Uint8Array {
  const memory = new RecordedMemory(guest.memory)
  const load = loadLinux(memory, guest)
  const plan = planRewrite(load.elf!, { fpu: 'real' })
  rewrite(memory, plan)
  const guestPackage = packGuest(memory, load.entry, Object.keys(models).indexOf('previrt-guest'))
  return embedGuest(parseElf(vmm, readFileSync(vmm)), plan.operands, guestPackage)
}

/** A domain at the VMM's first instruction. */
export function xenDomain(vmm: string, guest: XenGuest, options: DomainOptions = {}): RunningDomain {
  return startDomain(xenKernel(vmm, guest), { ...options, memoryBytes: guest.memory + VMM_MEMORY_BYTES })
}
