// Where things lie in a new domain, from its lowest linear address on and page-aligned: the kernel's image, module, list of
// frames, start_info, in an unprivileged one the store's and the console's page, page tables, stack; then at least 512 KiB of
// nothing up to a 4 MiB boundary. Pseudo-physical memory is the same, from 0 on.

const PAGE = 4096
const PADDING = 0x80000
const END_ALIGNMENT = 0x400000
const TABLE_COVERS = 0x200000
const DIRECTORIES = 4

/** Linear addresses. */
export interface DomainLayout {
  readonly base: number
  readonly module: number
  readonly frameList: number
  readonly startInfo: number
  /** 0 in the control domain. */
  readonly store: number
  readonly console: number
  readonly tables: number
  /** Table of pointers, four directories, then page tables. */
  readonly tableFrames: number
  readonly stack: number
  readonly end: number
}

const up = (value: number, to: number) => Math.ceil(value / to) * to

/** @param imageEnd linear address behind the image; `pages`: the domain's memory */
export function layOut(
  base: number,
  imageEnd: number,
  moduleBytes: number,
  pages: number,
  privileged: boolean,
): DomainLayout {
  const module = up(imageEnd, PAGE)
  const frameList = up(module + moduleBytes, PAGE)
  const startInfo = up(frameList + 4 * pages, PAGE)
  const store = privileged ? 0 : startInfo + PAGE
  const console = privileged ? 0 : startInfo + 2 * PAGE
  const tables = startInfo + (privileged ? 1 : 3) * PAGE
  let tableFrames = 1 + DIRECTORIES
  for (;;) {
    const stack = tables + tableFrames * PAGE
    const end = up(stack + PAGE + PADDING, END_ALIGNMENT)
    const first = Math.floor(base / TABLE_COVERS)
    const needed = 1 + DIRECTORIES + Math.ceil(end / TABLE_COVERS) - first
    if (needed <= tableFrames)
      return { base, module, frameList, startInfo, store, console, tables, tableFrames, stack, end }
    tableFrames = needed
  }
}
