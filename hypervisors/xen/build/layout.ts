// Where things lie in a new domain, from its lowest linear address on and page-aligned: the kernel's image, module, list of
// frames, start_info, in an unprivileged one the store's and the console's page, page tables, stack; then at least 512 KiB of
// nothing up to a 4 MiB boundary. Pseudo-physical memory is the same, from 0 on; a module that is not mapped lies behind.

const PAGE = 4096
const PADDING = 0x80000
const END_ALIGNMENT = 0x400000
const TABLE_COVERS = 0x200000
const DIRECTORY_COVERS = 0x40000000
const DIRECTORIES = 4

/** Linear addresses. */
export interface DomainLayout {
  readonly base: number
  /** Where it would be mapped, if it is not. */
  readonly module: number
  readonly frameList: number
  readonly startInfo: number
  /** 0 in the control domain. */
  readonly store: number
  readonly console: number
  readonly tables: number
  /** Table of pointers, directories, then page tables. */
  readonly tableFrames: number
  /** The first of the four slots that has a directory. The control domain has all; others those from their base on. */
  readonly firstDirectory: number
  readonly stack: number
  readonly end: number
  /** Behind everything, what is not mapped included. */
  readonly memoryEnd: number
}

export interface LaidOut {
  /** Lowest linear address of the domain, and that behind its image. */
  readonly base: number
  readonly imageEnd: number
  readonly moduleBytes: number
  readonly unmappedModule: boolean
  /** The domain's memory. */
  readonly pages: number
  readonly privileged: boolean
}

const up = (value: number, to: number) => Math.ceil(value / to) * to

/** Finds a place for everything. */
export function layOut({ base, imageEnd, moduleBytes, unmappedModule, pages, privileged }: LaidOut): DomainLayout {
  const kernelEnd = up(imageEnd, PAGE)
  const frameList = unmappedModule ? kernelEnd : up(kernelEnd + moduleBytes, PAGE)
  const startInfo = up(frameList + 4 * pages, PAGE)
  const store = privileged ? 0 : startInfo + PAGE
  const console = privileged ? 0 : startInfo + 2 * PAGE
  const tables = startInfo + (privileged ? 1 : 3) * PAGE
  const firstDirectory = privileged ? 0 : Math.floor(base / DIRECTORY_COVERS)
  const upper = 1 + DIRECTORIES - firstDirectory
  for (let tableFrames = upper; ; ) {
    const stack = tables + tableFrames * PAGE
    const end = up(stack + PAGE + PADDING, END_ALIGNMENT)
    const needed = upper + Math.ceil(end / TABLE_COVERS) - Math.floor(base / TABLE_COVERS)
    if (needed <= tableFrames) {
      const module = unmappedModule ? end : kernelEnd
      const memoryEnd = unmappedModule ? up(end + moduleBytes, PAGE) : end
      return {
        base,
        module,
        frameList,
        startInfo,
        store,
        console,
        tables,
        tableFrames,
        firstDirectory,
        stack,
        end,
        memoryEnd,
      }
    }
    tableFrames = needed
  }
}
