// Guest memory by linear address for debuggers: walks the page tables as they are now without setting accessed or dirty
// bits, ignores rights, and leaves device memory alone (SDM vol. 3, 4.3 and 4.4). Left out: permissions.
import type { Machine } from '../machine/machine.js'

const PAGE_BYTES = 0x1000
const CR0_PG = 0x80000000
const CR4_PSE = 0x10
const CR4_PAE = 0x20
const PRESENT = 1
const LARGE = 0x80

/** Physical address of a linear one, or undefined where nothing is mapped. */
export function physicalAddress(machine: Machine, linear: number): number | undefined {
  const { cr0, cr3, cr4 } = machine.cpu.state
  if ((cr0 & CR0_PG) === 0) return linear >>> 0
  return (cr4 & CR4_PAE) !== 0 ? walkThreeLevels(machine, cr3, linear) : walkTwoLevels(machine, cr3, cr4, linear)
}

function walkTwoLevels(machine: Machine, cr3: number, cr4: number, linear: number): number | undefined {
  const directory = entry(machine, (cr3 & 0xfffff000) + ((linear >>> 22) << 2))
  if ((directory & PRESENT) === 0) return undefined
  if ((directory & LARGE) !== 0 && (cr4 & CR4_PSE) !== 0) return ((directory & 0xffc00000) | (linear & 0x3fffff)) >>> 0
  const page = entry(machine, (directory & 0xfffff000) + (((linear >>> 12) & 0x3ff) << 2))
  return (page & PRESENT) === 0 ? undefined : ((page & 0xfffff000) | (linear & 0xfff)) >>> 0
}

function walkThreeLevels(machine: Machine, cr3: number, linear: number): number | undefined {
  const pointer = entry(machine, (cr3 & 0xffffffe0) + ((linear >>> 30) << 3))
  if ((pointer & PRESENT) === 0) return undefined
  const directory = entry(machine, (pointer & 0xfffff000) + (((linear >>> 21) & 0x1ff) << 3))
  if ((directory & PRESENT) === 0) return undefined
  if ((directory & LARGE) !== 0) return ((directory & 0xffe00000) | (linear & 0x1fffff)) >>> 0
  const page = entry(machine, (directory & 0xfffff000) + (((linear >>> 12) & 0x1ff) << 3))
  return (page & PRESENT) === 0 ? undefined : ((page & 0xfffff000) | (linear & 0xfff)) >>> 0
}

/** The low half of a paging-structure entry; one outside memory counts as not present. */
function entry(machine: Machine, physical: number): number {
  const host = hostAddress(machine, physical >>> 0)
  return host === undefined ? 0 : machine.cpu.view.getUint32(host, true)
}

/** Where a physical address lies in the machine's linear memory; undefined for device memory. */
export function hostAddress(machine: Machine, physical: number): number | undefined {
  const page = machine.cpu.host.physicalPage(physical >>> 12, false)
  return page < 0 ? undefined : page + (physical & 0xfff)
}

/** The pieces of a linear range that lie in one page each, with their host addresses. */
function* pieces(machine: Machine, linear: number, bytes: number) {
  for (let done = 0; done < bytes; ) {
    const at = (linear + done) >>> 0
    const length = Math.min(bytes - done, PAGE_BYTES - (at % PAGE_BYTES))
    const physical = physicalAddress(machine, at)
    yield { offset: done, length, host: physical === undefined ? undefined : hostAddress(machine, physical) }
    done += length
  }
}

/** Up to `bytes` bytes at a linear address, fewer where a page is not mapped; undefined if not even one. */
export function readLinear(machine: Machine, linear: number, bytes: number): Uint8Array | undefined {
  const data = new Uint8Array(bytes)
  for (const { offset, length, host } of pieces(machine, linear, bytes)) {
    if (host === undefined) return offset === 0 ? undefined : data.subarray(0, offset)
    data.set(machine.cpu.u8.subarray(host, host + length), offset)
  }
  return data
}

/** Writes all bytes, past any protection, and tells the engine about changed code; false and nothing if a page is missing. */
export function writeLinear(machine: Machine, linear: number, data: Uint8Array): boolean {
  const { cpu } = machine
  const parts = [...pieces(machine, linear, data.length)]
  if (parts.some(({ host }) => host === undefined)) return false
  for (const { offset, length, host } of parts) {
    cpu.u8.set(data.subarray(offset, offset + length), host!)
    if (cpu.tlb.hasCode(host!)) cpu.host.onCodeWrite(host!, length)
  }
  return true
}
