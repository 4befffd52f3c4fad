// The page that holds the state of the guest's processor while a VMM runs it, and the fixed addresses around it: the one
// description, from which the C header of the VMM is generated (c-headers.ts) and which the rewriter and the migrator
// read. Dense, naturally aligned, little-endian; offsets are counted out here and nowhere else.

/** A field: `count` elements of `bytes` each. */
export interface Field {
  readonly name: string
  readonly bytes: 1 | 2 | 4
  readonly count: number
  readonly offset: number
  readonly what: string
}

/** First address of the VMM's window, and the first behind it. */
export const WINDOW_START = 0xbc000000
export const WINDOW_END = 0xc0000000
/** Addresses of the operations that calls at sites go through. */
export const VECTOR_PAGE = WINDOW_START + 0
/** Address and bytes of the package of the guest, where the file of a VMM holds one; two words. */
export const PACKAGE_POINTER = WINDOW_START + 0xff0
/** The page described here. */
export const VIRTUAL_CPU = WINDOW_START + 0x1000
/** Operands of the sites (operand.ts), written by the rewriter. */
export const OPERAND_TABLE = WINDOW_START + 0x2000
export const OPERAND_LIMIT = 4096
/** First byte of the VMM's own text. */
export const VMM_TEXT = WINDOW_START + 0x20000
/** Guest frames shown for a while, 4096 slots. */
export const WINDOW_FRAMES = WINDOW_START + 0x1800000
export const WINDOW_SLOTS = 4096
/** Above it the window is the back end's own. */
export const WINDOW_BACKEND = WINDOW_START + 0x2800000

/** Segment registers by number (SDM volume 2, table B-8), then the two system registers. */
export const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldtr', 'tr'] as const
/** General registers by number. */
export const REGISTERS = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'] as const

type Row = readonly [name: string, bytes: Field['bytes'], count: number, what: string]

const ROWS: readonly Row[] = [
  ['registers', 4, 8, 'general registers in the order of their numbers, while the guest does not run'],
  ['eip', 4, 1, 'where the guest goes on'],
  ['eflags', 4, 1, 'the real flags at that place; IF and IOPL are the two fields below'],
  ['attention', 4, 1, 'bits of EVENT_*, and ATTENTION_INTERRUPT: the interrupt controller asks for delivery'],
  ['interrupt_flag', 1, 1, 'virtual IF: 0 or 1'],
  ['iopl', 1, 1, 'virtual IOPL: 0 to 3'],
  ['cpl', 1, 1, 'virtual CPL: 0 or 3'],
  ['halted', 1, 1, 'HLT has been executed and nothing has woken the guest'],
  ['selectors', 4, 8, 'virtual selectors: es cs ss ds fs gs ldtr tr'],
  ['segment_base', 4, 8, 'their hidden parts'],
  ['segment_limit', 4, 8, 'effective limit in bytes'],
  ['segment_rights', 4, 8, 'bytes 5 and 6 of the descriptor; bit 16: null or unusable'],
  ['cr', 4, 5, 'control registers by number; cr[1] is not used'],
  ['dr', 4, 8, 'debug registers by number'],
  ['gdt_base', 4, 1, ''],
  ['gdt_limit', 4, 1, ''],
  ['idt_base', 4, 1, ''],
  ['idt_limit', 4, 1, ''],
  ['misc_enable', 4, 2, 'IA32_MISC_ENABLE'],
  ['tsc_offset', 4, 2, 'low and high word, added to the counter of the processor'],
  ['exit_value', 4, 1, 'what the guest wrote to isa-debug-exit'],
  ['operand_base', 4, 1, 'address of the operand of the operation under way; 0 where there is none'],
  ['scratch', 4, 4, 'for the assembler entries'],
  ['shadow_fills', 4, 1, 'pages mapped because the guest touched them'],
  ['shadow_updates', 4, 1, 'pages mapped or taken away at a table store'],
  ['shadow_untracked', 4, 1, 'table pages given up because of a store that is no site'],
  ['shadow_evictions', 4, 1, 'spaces dropped for want of memory'],
  ['delivered', 4, 2, 'exceptions and interrupts delivered to the guest: from kernel, from user code'],
  ['restarts', 4, 1, 'sections started again because of an event'],
  ['first_page', 4, 1, 'where the hypervisor numbers the memory by pages: its number of the guest frame 0'],
  ['guest_pages', 4, 1, 'how many of them are guest frames'],
]

function lay(rows: readonly Row[]): readonly Field[] {
  const fields: Field[] = []
  let at = 0
  for (const [name, bytes, count, what] of rows) {
    const offset = Math.ceil(at / bytes) * bytes
    fields.push({ name, bytes, count, offset, what })
    at = offset + bytes * count
  }
  if (at > 4096) throw new RangeError(`the virtual CPU has ${at} bytes and must fit a page`)
  return fields
}

/** All fields by ascending offset. */
export const VIRTUAL_CPU_FIELDS = lay(ROWS)

/** Bit of `attention`: an interrupt is to be delivered as soon as IF allows. The bits below are events. */
export const ATTENTION_INTERRUPT = 0x80000000

/** Linear address of a field's element. Throws RangeError for a field or element that does not exist. */
export function virtualCpuAddress(name: string, element = 0): number {
  const field = VIRTUAL_CPU_FIELDS.find(each => each.name === name)
  if (field === undefined || element < 0 || element >= field.count)
    throw new RangeError(`no virtual CPU field ${name}[${element}]`)
  return VIRTUAL_CPU + field.offset + field.bytes * element
}
