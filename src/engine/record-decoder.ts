// Decodes one instruction into a given record: by template where there is one (record-templates.ts), otherwise with the
// decoder. What run it belongs to, and instructions that end in another page, are for code-cache.ts.

import type { Cpu } from '../cpu/cpu.js'
import * as L from '../cpu/layout.js'
import { type Decoder, NEED_MORE } from '../isa/decode.js'
import { TOO_LONG, UD } from '../isa/forms.js'
import type { CodePage } from './code-cache.js'
import type { RecordArea } from './record-area.js'
import { liveCell } from './record-lookup.js'
import { ENDS, REACH, RecordTemplates } from './record-templates.js'
import { endsRecords } from './slots.js'

const PAGE_END = 0x1000
/** The instruction ends beyond the page, or beyond the limit of CS. */
export const BEYOND_PAGE = 0
export const BEYOND_LIMIT = -1

export class RecordDecoder {
  private readonly templates: RecordTemplates

  constructor(
    private readonly cpu: Cpu,
    private readonly decoder: Decoder,
    private readonly records: RecordArea,
  ) {
    this.templates = new RecordTemplates(cpu.i32, cpu.u8)
  }

  /** Writes a record. Returns the length of the instruction, and ENDS; or BEYOND_PAGE or BEYOND_LIMIT. */
  decode(page: CodePage, record: number, eip: number, offset: number): number {
    const { cpu, decoder, records } = this
    const available = PAGE_END - offset
    const byTemplate = page.byTemplate && available >= REACH && records.breakpoints.size === 0
    if (byTemplate) {
      const host = page.hostPage + offset
      const decoded = this.templates.write(record, host, eip, records.threshold, records.intercepted)
      if (decoded !== 0) {
        cpu.i32[liveCell(page.table, offset)]! |= 1 << (offset & 31)
        return decoded
      }
    }
    const form = decoder.decode(cpu.u8, page.hostPage + offset, available, page.decodeMode)
    if (form === NEED_MORE) return BEYOND_PAGE
    if (!this.withinLimit(page, eip, form)) return BEYOND_LIMIT
    if (byTemplate) this.templates.learn(decoder, form)
    records.instruction(form, eip, record)
    cpu.i32[liveCell(page.table, offset)]! |= 1 << (offset & 31)
    return decoder.length | (endsRecords[form] ? ENDS : 0)
  }
  /** Whether the instruction that the decoder holds ends below the limit of CS. */
  withinLimit(page: CodePage, eip: number, form: number): boolean {
    const length = form === UD || form === TOO_LONG ? 1 : this.decoder.length
    return (eip >>> 0) + length - 1 <= page.csLimit
  }
  /** Writes to these bytes are to be told from now on. */
  mark(host: number, bytes: number) {
    const { u8 } = this.cpu
    const last = (host + bytes - 1) >>> 6
    for (let chunk = host >>> 6; chunk <= last; chunk++) u8[L.CODE_MAP + chunk] = 1
  }
}
