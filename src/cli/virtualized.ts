// An annotated guest made ready for a hypervisor that knows nothing of it: settled, loaded, rewritten and embedded in the
// VMM for that hypervisor. `run` starts the result as it starts any guest of that ABI; `export` writes it to a file.

import { buildVmm } from '../../images/vmm.js'
import { cpuModel, models } from '../cpu/models.js'
import { RECORD_SECTION } from '../isa/sensitive.js'
import { settleAlternatives } from '../loader/alternatives.js'
import { type ElfImage, findSection, isElf, parseElf } from '../loader/elf.js'
import type { LoadedFile } from '../loader/entry.js'
import { loadLinux } from '../loader/linux.js'
import { linuxFeatures } from '../loader/linux-features.js'
import { LoadError } from '../loader/load-error.js'
import { embedGuest, packGuest, RecordedMemory, VMM_MEMORY_BYTES } from '../rewriter/package.js'
import { planRewrite } from '../rewriter/plan.js'
import { rewrite } from '../rewriter/rewriter.js'
import { STATUS_WELL } from './exit.js'
import { CommandError, notInThisVersion } from './failure.js'
import { findGuest, type GuestFiles, type GuestOptions } from './guest.js'
import { readInput } from './input-file.js'
import { requireWritable, writeOutput } from './output-file.js'

/** What guests see on every virtualized path. */
const GUEST_MODEL = 'previrt-guest'
/** What the VMM's own tables, whose place is fixed, are enough for. */
const GUEST_MEMORY_MAXIMUM = 768 << 20
/** Back ends whose guests need a VMM, and that have one. */
const WITH_VMM = ['xen']

/** A guest in its VMM: one ELF file for the hypervisor's own loader, and how much memory it is to be given. */
export interface Virtualized {
  readonly kernel: LoadedFile
  readonly memoryBytes: number
}

/** A file if it is an annotated kernel, which runs on `path` with a VMM only. What is wrong with others is said later. */
export function annotatedKernel(path: string, kernel: string): ElfImage | undefined {
  if (!WITH_VMM.includes(path)) return undefined
  const { file, bytes } = readInput(kernel)
  try {
    const elf = isElf(bytes) ? parseElf(file, bytes) : undefined
    return elf && findSection(elf, RECORD_SECTION) && elf
  } catch (error) {
    if (error instanceof LoadError) return undefined
    throw error
  }
}

function settled(elf: ElfImage): LoadedFile {
  if (!findSection(elf, '.altinstructions')) return elf
  const { features, signature } = cpuModel(GUEST_MODEL)
  const cpuid = (leaf: number) => ({ eax: leaf === 0 ? 2 : signature, ebx: 0, ecx: 0, edx: leaf === 1 ? features : 0 })
  return { file: elf.file, bytes: settleAlternatives(elf, linuxFeatures(cpuid)).bytes }
}

/**
 * Puts a guest into a VMM.
 * @param kernel see annotatedKernel
 * @param memoryBytes what the guest sees as its memory
 * @throws LoadError for files that cannot be used
 */
export async function virtualize(
  path: string,
  kernel: ElfImage,
  files: GuestFiles,
  memoryBytes: number,
): Promise<Virtualized> {
  if (memoryBytes > GUEST_MEMORY_MAXIMUM)
    throw new CommandError(
      `--mem: ${memoryBytes >>> 20}M for a guest in a VMM; ${GUEST_MEMORY_MAXIMUM >>> 20}M are the most, give less`,
    )
  const vmmFile = readInput(await buildVmm(path))
  const memory = new RecordedMemory(memoryBytes)
  const load = loadLinux(memory, {
    kernel: settled(kernel),
    commandLine: files.commandLine,
    ...(files.initrd !== undefined && { initrd: readInput(files.initrd) }),
  })
  const plan = planRewrite(load.elf!, { fpu: 'real' })
  rewrite(memory, plan)
  const guest = packGuest(memory, load.entry, Object.keys(models).indexOf(GUEST_MODEL))
  const bytes = embedGuest(parseElf(vmmFile.file, vmmFile.bytes), plan.operands, guest)
  return { kernel: { file: files.kernel, bytes }, memoryBytes: memoryBytes + VMM_MEMORY_BYTES }
}

/** The files of a guest that is exported. */
export function findExported(image: string, { on, append }: { on: string; append?: string }): Promise<GuestFiles> {
  const nothing = { kernel: undefined, multiboot: undefined, roms: [], initrd: undefined, net: 'none', plain: false }
  return findGuest({ ...nothing, image, append, on } as GuestOptions)
}

/** `export`: writes the guest in its VMM to a file. */
export async function exportGuest(
  files: GuestFiles,
  { on, mem, output }: { on: string; mem: number; output: string },
): Promise<number> {
  if (!WITH_VMM.includes(on)) throw notInThisVersion(`export --on ${on}`)
  const annotated = annotatedKernel(on, files.kernel)
  if (!annotated) {
    const remedy = 'build it with the afterburner, as the named images are'
    throw new CommandError(`${files.kernel}: not an annotated kernel; ${remedy}`)
  }
  requireWritable('-o', output)
  const { kernel, memoryBytes } = await virtualize(on, annotated, files, mem)
  writeOutput('-o', output, kernel.bytes)
  process.stderr.write(`previrt: ${output}: give its domain ${memoryBytes >>> 20} MiB\n`)
  return STATUS_WELL
}
