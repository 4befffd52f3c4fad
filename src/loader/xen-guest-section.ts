// The text of section `__xen_guest`, in which kernels before the ELF notes say what they are to Xen: NAME=value,NAME=value
// up to a zero byte. Left out: names that a 32-bit guest's builder does not look at.

const PAGE = 4096

/** What a kernel says, in notes or as text; numbers are linear addresses. */
export interface XenStatements {
  entry?: number
  hypercallPage?: number
  virtualBase?: number
  physicalOffset?: number
  loader?: string
  guestOs?: string
  xenVersion?: string
  pae?: string
  unmappedModule?: boolean
}

/** Reads the section. HYPERCALL_PAGE is a number of page from VIRT_BASE on, wherever that stands. */
export function readGuestSection(bytes: Uint8Array): XenStatements {
  const end = bytes.indexOf(0)
  const whole = new TextDecoder('latin1').decode(end < 0 ? bytes : bytes.subarray(0, end))
  const values = new Map<string, string>()
  for (const item of whole.split(',')) {
    const equals = item.indexOf('=')
    values.set(equals < 0 ? item : item.slice(0, equals), equals < 0 ? '' : item.slice(equals + 1))
  }
  const said: XenStatements = {}
  const put = <K extends keyof XenStatements>(key: K, value: XenStatements[K] | undefined) => {
    if (value !== undefined) said[key] = value
  }
  put('entry', number(values.get('VIRT_ENTRY')))
  put('virtualBase', number(values.get('VIRT_BASE')))
  put('physicalOffset', number(values.get('ELF_PADDR_OFFSET')))
  const page = number(values.get('HYPERCALL_PAGE'))
  put('hypercallPage', page === undefined ? undefined : page * PAGE + (said.virtualBase ?? 0))
  put('loader', values.get('LOADER'))
  put('guestOs', values.get('GUEST_OS'))
  put('xenVersion', values.get('XEN_VER'))
  put('pae', values.get('PAE'))
  return said
}

/** As C's strtoull reads with base 0: hexadecimal, octal or decimal, up to the first other character. */
function number(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const digits = /^\s*(?:0x([0-9a-f]+)|(0[0-7]*)|([1-9][0-9]*))/i.exec(value)
  if (!digits) return 0
  const [, hexadecimal, octal, decimal] = digits
  if (hexadecimal !== undefined) return Number.parseInt(hexadecimal, 16)
  return octal !== undefined ? Number.parseInt(octal, 8) : Number.parseInt(decimal!, 10)
}
