// A guest on the VMM in a domain of our Xen: what `run --on xen` and an export put together.
import { readFileSync } from 'node:fs'
import { models } from '../../src/cpu/models.js'
import { parseElf } from '../../src/loader/elf.js'
import type { LoadedFile } from '../../src/loader/entry.js'
import { loadLinux } from '../../src/loader/linux.js'
import { packGuest, RecordedMemory, withOperands } from '../../src/rewriter/package.js'
import { planRewrite } from '../../src/rewriter/plan.js'
import { rewrite } from '../../src/rewriter/rewriter.js'
import { type DomainOptions, type RunningDomain, startDomain } from '../hypervisors/xen/domain.js'

/** What the VMM needs beside the guest's memory: pools, the image, the package and the builder's own data. */
const OVERHEAD = 32 << 20

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
  const module = packGuest(memory, load.entry, Object.keys(models).indexOf('previrt-guest'))
  const kernel = withOperands(parseElf(vmm, readFileSync(vmm)), plan.operands)
  return startDomain(kernel, { ...options, memoryBytes: guest.memory + OVERHEAD, module })
}
