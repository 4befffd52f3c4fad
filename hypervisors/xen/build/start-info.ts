// The start_info page of a 32-bit guest (xen/include/public/xen.h), as bytes. Offsets in bytes.

export const MAGIC = 'xen-3.0-x86_32p'
/** Flags: the control domain, and its default power management. */
export const CONTROL_DOMAIN_FLAGS = 0x303
const MODULE_BY_PAGE = 1 << 3
const PAGE = 4096
const NR_PAGES = 32
const SHARED_INFO = 36
const FLAGS = 40
const STORE_FRAME = 44
const STORE_PORT = 48
const CONSOLE_FRAME = 52
const CONSOLE_PORT = 56
const TABLES = 60
const TABLE_FRAMES = 64
const FRAME_LIST = 68
const MODULE = 72
const MODULE_BYTES = 76
const COMMAND_LINE = 80
const COMMAND_LINE_BYTES = 1024
/** Of the control domain's description of a display, which is empty here: its place in the page and its length. */
const DISPLAY = { offset: 0x490, bytes: 0x28 }

export interface StartInfo {
  readonly privileged: boolean
  readonly pages: number
  /** Machine address. */
  readonly sharedInfo: number
  readonly store: { readonly frame: number; readonly port: number }
  readonly console: { readonly frame: number; readonly port: number }
  /** Linear addresses. */
  readonly tables: number
  readonly tableFrames: number
  readonly frameList: number
  /** Its linear address or, where it is not mapped, number of page. */
  readonly module: { readonly unmapped: boolean; readonly place: number; readonly bytes: number }
  readonly commandLine: string
}

/** The page. */
export function startInfoPage(info: StartInfo): Uint8Array {
  const page = new Uint8Array(PAGE)
  const view = new DataView(page.buffer)
  const encoder = new TextEncoder()
  page.set(encoder.encode(MAGIC))
  const words: readonly (readonly [number, number])[] = [
    [NR_PAGES, info.pages],
    [SHARED_INFO, info.sharedInfo],
    [FLAGS, (info.privileged ? CONTROL_DOMAIN_FLAGS : 0) | (info.module.unmapped ? MODULE_BY_PAGE : 0)],
    [STORE_FRAME, info.store.frame],
    [STORE_PORT, info.store.port],
    [CONSOLE_FRAME, info.privileged ? DISPLAY.offset : info.console.frame],
    [CONSOLE_PORT, info.privileged ? DISPLAY.bytes : info.console.port],
    [TABLES, info.tables],
    [TABLE_FRAMES, info.tableFrames],
    [FRAME_LIST, info.frameList],
    [MODULE, info.module.place],
    [MODULE_BYTES, info.module.bytes],
  ]
  for (const [offset, value] of words) view.setUint32(offset, value, true)
  page.set(encoder.encode(info.commandLine).subarray(0, COMMAND_LINE_BYTES - 1), COMMAND_LINE)
  return page
}
