// A new domain before its first instruction: registers, memory, tables, all as measured on a real Xen.

import { audit } from '../../../../hypervisors/xen/memory/audit.js'
import type { Xen } from '../../../../hypervisors/xen/xen.js'
import { buildKernel, startDomain } from '../domain.js'

const kernel = buildKernel('crash')
const MODULE = Uint8Array.from({ length: 5000 }, (_, i) => i * 7)
const PAGE = 4096

function start(privileged: boolean, image = kernel) {
  const domain = startDomain(image, { privileged, module: MODULE, commandLine: 'a=1 b', memoryBytes: 16 << 20 })
  const xen = domain.hypervisor as Xen
  return { state: domain.machine.cpu.state, guest: xen.domain!.guest, xen, domain: xen.domain! }
}

test.each([false, true])('privileged: %s', privileged => {
  const { state, guest, xen, domain } = start(privileged)
  const { cs, ds, es, fs, gs, ss, eax, ebx, ecx, edx, edi, ebp, eflags } = state
  expect([cs, ds, es, fs, gs, ss].map(({ selector }) => selector)).toEqual([0xe019, ...new Array(5).fill(0xe021)])
  expect([eax, ebx, ecx, edx, edi, ebp, eflags]).toEqual([0, 0, 0, 0, 0, 0, 0x202])
  expect(domain.shared.upcallMask).toBe(1)

  const info = state.esi
  const field = (offset: number) => guest.word(info + offset)
  expect(field(32)).toBe(4096)
  expect(field(36)).toBe(domain.shared.address)
  expect(field(40)).toBe(privileged ? 0x303 : 0)
  if (privileged) expect([44, 48, 52, 56].map(field)).toEqual([0, 0, 0x490, 0x28])
  else for (const offset of [44, 48, 52, 56]) expect(field(offset)).toBeGreaterThan(0)
  expect(Buffer.from(guest.bytes(info + 80, 6)).toString()).toBe('a=1 b\0')
  expect([field(72) % PAGE, field(76)]).toEqual([0, MODULE.length])
  expect(guest.bytes(field(72), MODULE.length)).toEqual(MODULE)

  const base = 0xc0000000
  for (const place of [0, 1, 100, 4095]) {
    const frame = guest.word(field(68) + 4 * place)
    expect(domain.machineToPhysical.get(frame)).toBe(place)
    if (place < 100) expect(guest.translate(base + place * PAGE, false)).toBe(frame * PAGE)
  }
  const tables = field(60)
  const count = field(64)
  for (let i = 0; i < count; i++) expect(guest.translate(tables + i * PAGE, true)).toBe(-1)
  expect(guest.translate(tables - PAGE, true)).toBeGreaterThan(0)
  const directories = privileged ? [0x067, 0x067, 0x067, 0x067] : [0, 0, 0, 0x067]
  expect([0, 1, 2, 3].map(slot => guest.word(tables + 8 * slot) & 0xfff)).toEqual(directories)
  expect(state.esp).toBe(tables + count * PAGE + PAGE)
  expect(guest.translate(state.esp + 0x80000 - 1, true)).toBeGreaterThan(0)
  expect(audit(xen.memory, xen.frames, domain.roots)).toEqual([])
})

/** The same kernel, whose note of the version says instead that it takes a module by its page (MOD_START_PFN, not 0). */
function takingModuleByPage(): Uint8Array {
  const image = Buffer.from(kernel)
  const version = image.indexOf(Buffer.from('Xen\0xen-3.0\0'))
  image.writeUInt32LE(16, version - 4)
  return image
}

// By xc_dom_build_image() of Xen's tools/libs/guest/xg_dom_core.c, and xen/arch/x86/pv/dom0_build.c.
test.each([
  { privileged: false, flags: 8, bytes: 2 * PAGE },
  { privileged: true, flags: 0x30b, bytes: MODULE.length },
])('a module by its page lies behind what is mapped: $privileged', ({ privileged, flags, bytes }) => {
  const { state, guest, domain } = start(privileged, takingModuleByPage())
  const field = (offset: number) => guest.word(state.esi + offset)
  expect([field(40), field(76)]).toEqual([flags, bytes])
  const first = field(72)
  expect(guest.translate(0xc0000000 + (first - 1) * PAGE, false)).toBeGreaterThan(0)
  expect(guest.translate(0xc0000000 + first * PAGE, false)).toBe(-1)
  const pages = [0, 1].map(n => guest.word(field(68) + 4 * (first + n)) * PAGE)
  const found = pages.flatMap(address => [...domain.memory.u8.subarray(address, address + PAGE)])
  expect(found.slice(0, MODULE.length)).toEqual([...MODULE])
})
