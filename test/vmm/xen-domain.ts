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

/** A domain at the VMM's first instruction. */
export function xenDomain(vmm: string, guest: XenGuest, options: DomainOptions = {}): RunningDomain {
  const memory = new RecordedMemory(guest.memory)
  const load = loadLinux(memory, guest)
  const plan = planRewrite(load.elf!, { fpu: 'real' })
  rewrite(memory, plan)
  const guestPackage = packGuest(memory, load.entry, Object.keys(models).indexOf('previrt-guest'))
  const kernel = embedGuest(parseElf(vmm, readFileSync(vmm)), plan.operands, guestPackage)
  return startDomain(kernel, { ...options, memoryBytes: guest.memory + VMM_MEMORY_BYTES })
}
