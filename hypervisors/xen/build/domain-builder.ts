// Building a domain: its frames, image, module, start_info and first page tables (xen/arch/x86/pv/dom0_build.c tells the
// order). What it writes is checked afterwards like any table of a guest.

import type { ElfImage } from '../../../src/loader/elf.js'
import { hex, LoadError, tooLittleMemory } from '../../../src/loader/load-error.js'
import { loadable, type XenNotes } from '../../../src/loader/xen-notes.js'
import type { LoadedFile } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import { HYPERVISOR_START } from '../layout.js'
import { L3, PINNED } from '../memory/frame-table.js'
import { clearFrame, ENTRIES } from '../memory/machine-memory.js'
import { newBase } from '../memory/mmuext-op.js'
import { hypercallPage } from './hypercall-page.js'
import { type DomainLayout, layOut } from './layout.js'
import { startInfoPage } from './start-info.js'

const PAGE = 4096
// Flags of the first entries.
const LEAF = 0x63
const LEAF_READ_ONLY = 0x21
const UPPER = 0x67

export interface DomainImage {
  readonly elf: ElfImage
  readonly notes: XenNotes
  readonly module: LoadedFile | undefined
  readonly commandLine: string
  readonly pages: number
}

export interface BuiltDomain {
  readonly entry: number
  readonly startInfo: number
  /** Top of the first stack. */
  readonly stack: number
  /** Frames of the shared pages; -1 in the control domain. */
  readonly storeFrame: number
  readonly consoleFrame: number
}

/**
 * Fills a domain that holds nothing yet.
 * @param openPorts makes the event channels of store and console, when it is known that the image fits
 * @throws LoadError for an image that does not fit into its memory
 */
export function buildDomain(
  domain: Domain,
  image: DomainImage,
  openPorts: () => { store: number; console: number },
): BuiltDomain {
  const { elf, notes, module, pages } = image
  const { memory, frames, machineToPhysical, privileged } = domain
  const base = notes.virtualBase
  const place = (physical: number) => physical - notes.physicalOffset + base
  const moduleBytes = module?.bytes.length ?? 0
  const unmappedModule = notes.unmappedModule && module !== undefined
  const layout = layOut({ base, imageEnd: notes.imageEnd, moduleBytes, unmappedModule, pages, privileged })
  const { hypercallPage: callPage } = notes
  if (layout.memoryEnd > base + pages * PAGE) throw tooLittleMemory(elf.file, layout.memoryEnd - base, pages * PAGE)
  if (layout.end > HYPERVISOR_START) {
    const reason = `would lie up to ${hex(layout.end)}, where Xen's own memory begins at ${hex(HYPERVISOR_START)}`
    throw new LoadError({ file: elf.file, reason, remedy: 'use a smaller module' })
  }
  if (callPage !== undefined && (callPage < base || callPage >= layout.end)) {
    const reason = `its page for hypercalls ${hex(callPage)} lies outside its memory`
    throw new LoadError({ file: elf.file, reason, remedy: 'mend HYPERCALL_PAGE in its notes' })
  }

  const list = Array.from({ length: pages }, (_, place) => {
    const frame = frames.allocate(domain.id)
    machineToPhysical.set(frame, place)
    return frame
  })
  const frameAt = (linear: number) => list[(linear - base) / PAGE]!
  const write = (linear: number, data: Uint8Array) => {
    for (let done = 0; done < data.length; ) {
      const offset = (linear + done) % PAGE
      const part = Math.min(PAGE - offset, data.length - done)
      const address = frameAt(linear + done - offset) * PAGE + offset
      memory.u8.set(data.subarray(done, done + part), address)
      memory.changed(address, part)
      done += part
    }
  }
  // The domain's memory holds whatever was there; only these pages are known to begin with zeroes.
  const zeroes = privileged ? [layout.startInfo] : [layout.startInfo, layout.store, layout.console]
  for (const page of zeroes) clearFrame(memory, frameAt(page))
  for (const { physical, offset, fileBytes, memoryBytes } of loadable(elf)) {
    write(place(physical), elf.bytes.subarray(offset, offset + fileBytes))
    write(place(physical) + fileBytes, new Uint8Array(memoryBytes - fileBytes))
  }
  if (module) write(layout.module, module.bytes)
  write(layout.frameList, new Uint8Array(Uint32Array.from(list).buffer))
  if (callPage !== undefined) write(callPage - (callPage % PAGE), hypercallPage())
  const ports = privileged ? { store: 0, console: 0 } : openPorts()
  const storeFrame = privileged ? 0 : frameAt(layout.store)
  const consoleFrame = privileged ? 0 : frameAt(layout.console)
  const info = startInfoPage({
    privileged,
    pages,
    sharedInfo: domain.shared.address,
    store: { frame: storeFrame, port: ports.store },
    console: { frame: consoleFrame, port: ports.console },
    tables: layout.tables,
    tableFrames: layout.tableFrames,
    frameList: layout.frameList,
    module: {
      unmapped: unmappedModule,
      place: unmappedModule ? (layout.module - base) / PAGE : module ? layout.module : 0,
      bytes: unmappedModule && !privileged ? layout.memoryEnd - layout.module : moduleBytes,
    },
    commandLine: image.commandLine,
  })
  write(layout.startInfo, info)
  makeTables(domain, layout, frameAt)
  const root = frameAt(layout.tables)
  if (domain.types.getPageAndType(root, L3, domain.id) !== 0 || newBase(domain, root) !== 0)
    throw new Error('the page tables of a new domain were refused')
  frames.flags[root] = frames.flags[root]! | PINNED
  return { entry: notes.entry, startInfo: layout.startInfo, stack: layout.stack + PAGE, storeFrame, consoleFrame }
}

/** Page tables for the whole layout; the tables themselves are mapped read-only. */
function makeTables(domain: Domain, layout: DomainLayout, frameAt: (linear: number) => number) {
  const { u32 } = domain.memory
  const set = (table: number, slot: number, frame: number, flags: number) => {
    u32[table * 1024 + 2 * slot] = ((frame << 12) | flags) >>> 0
  }
  let next = layout.tables
  const table = () => {
    const frame = frameAt(next)
    next += PAGE
    clearFrame(domain.memory, frame)
    return frame
  }
  const root = table()
  const { firstDirectory } = layout
  const directories = Array.from({ length: 4 - firstDirectory }, table)
  directories.forEach((directory, n) => {
    set(root, firstDirectory + n, directory, UPPER)
  })
  const tablesEnd = layout.tables + layout.tableFrames * PAGE
  let current = -1
  for (let linear = layout.base; linear < layout.end; linear += PAGE) {
    const page = linear / PAGE
    if (page % ENTRIES === 0 || current < 0) {
      current = table()
      const directory = directories[Math.floor(page / ENTRIES / ENTRIES) - firstDirectory]!
      set(directory, Math.floor(page / ENTRIES) % ENTRIES, current, UPPER)
    }
    const isTable = linear >= layout.tables && linear < tablesEnd
    set(current, page % ENTRIES, frameAt(linear), isTable ? LEAF_READ_ONLY : LEAF)
  }
}
