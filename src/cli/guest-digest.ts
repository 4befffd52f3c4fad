// The digest of a guest on a hypervisor that gives it memory by the page: its registers and its memory as it numbers them
// itself, so that it does not depend on where in the machine the pages lie. Of a guest in a VMM these are the registers and
// the memory of the guest, not the VMM's, which knows machine frames.

import type { GuestView } from '../../hypervisors/hypervisor.js'
import type { CpuState, SegmentState } from '../cpu/state.js'
import { digestOf } from '../machine/digest.js'
import {
  REGISTERS,
  SEGMENTS,
  VIRTUAL_CPU,
  VIRTUAL_CPU_FIELDS,
  WINDOW_END,
  WINDOW_START,
} from '../rewriter/virtual-cpu.js'

const PAGE = 4096
const IF = 0x200
const IOPL_SHIFT = 12
const IF_AND_IOPL = 0x3200
const NO_PAGE = new Uint8Array(PAGE)

/**
 * The digest.
 * @param real the registers of the processor
 * @param inVmm the guest is in a VMM, at the beginning of whose memory the domain's begins
 */
export function guestDigest(real: CpuState, view: GuestView, inVmm: boolean): string {
  const memory = view.memory()
  if (!inVmm) return digestOf(real, memory.map(shown))
  const fields = virtualCpu(shown(memory[(VIRTUAL_CPU - WINDOW_START) / PAGE]))
  const first = fields('first_page')
  const pages = memory.slice(first, first + fields('guest_pages'))
  return digestOf(virtualState(real, fields), pages.map(shown))
}
const shown = (page: Uint8Array | undefined) => page ?? NO_PAGE

type Fields = (name: string, element?: number) => number

function virtualCpu(page: Uint8Array): Fields {
  const view = new DataView(page.buffer, page.byteOffset, PAGE)
  return (name, element = 0) => {
    const { offset, bytes } = VIRTUAL_CPU_FIELDS.find(field => field.name === name)!
    return bytes === 1 ? view.getUint8(offset + element) : view.getUint32(offset + bytes * element, true)
  }
}

/** The guest's registers: those that it does not share with the VMM, or while the VMM runs all of them, are in its page. */
function virtualState(real: CpuState, fields: Fields): CpuState {
  const inVmm = real.eip >= WINDOW_START && real.eip < WINDOW_END
  const general = inVmm ? Object.fromEntries(REGISTERS.map((name, n) => [name, fields('registers', n)])) : {}
  const flags = inVmm ? fields('eflags') : real.eflags
  const privilege = (fields('interrupt_flag') !== 0 ? IF : 0) | (fields('iopl') << IOPL_SHIFT)
  const segments = SEGMENTS.map((name, n): [string, SegmentState] => [
    name,
    {
      selector: fields('selectors', n),
      base: fields('segment_base', n),
      limit: fields('segment_limit', n),
      rights: fields('segment_rights', n),
    },
  ])
  const wide = (name: string) => BigInt(fields(name)) | (BigInt(fields(name, 1)) << 32n)
  return {
    ...real,
    ...general,
    eip: inVmm ? fields('eip') : real.eip,
    eflags: ((flags & ~IF_AND_IOPL) | privilege) >>> 0,
    cr0: fields('cr', 0),
    cr2: fields('cr', 2),
    cr3: fields('cr', 3),
    cr4: fields('cr', 4),
    dr: Array.from({ length: 8 }, (_, n) => fields('dr', n)),
    ...Object.fromEntries(segments),
    gdtr: { base: fields('gdt_base'), limit: fields('gdt_limit') },
    idtr: { base: fields('idt_base'), limit: fields('idt_limit') },
    msr: { ...real.msr, miscEnable: wide('misc_enable'), tscOffset: wide('tsc_offset') },
  }
}
