// What gdb is told about the processor: its registers with number, size and group, in the order of gdb's own i386
// feature files (org.gnu.gdb.i386.core and .sse), and the target description that says so. Control registers and
// segment bases are in a feature of gdb's i386 system description.

/** One register as gdb numbers it. `bytes` is its size in the packet, little-endian. */
export interface GdbRegister {
  readonly name: string
  readonly bytes: number
  readonly type: string
  readonly group?: string
}

const word = (name: string, type = 'int32'): GdbRegister => ({ name, bytes: 4, type })
const list = (count: number, register: (index: number) => GdbRegister) =>
  Array.from({ length: count }, (_, i) => register(i))

/** Core registers: general, EIP, EFLAGS, selectors, the x87 stack and its control registers. */
const CORE: readonly GdbRegister[] = [
  ...['eax', 'ecx', 'edx', 'ebx'].map(name => word(name)),
  ...['esp', 'ebp'].map(name => word(name, 'data_ptr')),
  ...['esi', 'edi'].map(name => word(name)),
  word('eip', 'code_ptr'),
  word('eflags', 'i386_eflags'),
  ...['cs', 'ss', 'ds', 'es', 'fs', 'gs'].map(name => word(name)),
  ...list(8, i => ({ name: `st${i}`, bytes: 10, type: 'i387_ext' })),
  ...['fctrl', 'fstat', 'ftag', 'fiseg', 'fioff', 'foseg', 'fooff', 'fop'].map(name => ({
    ...word(name, 'int'),
    group: 'float',
  })),
]

const SSE: readonly GdbRegister[] = [
  ...list(8, i => ({ name: `xmm${i}`, bytes: 16, type: 'vec128' })),
  { name: 'mxcsr', bytes: 4, type: 'i386_mxcsr', group: 'vector' },
]

const SYSTEM: readonly GdbRegister[] = [
  ...['fs_base', 'gs_base', 'cr0', 'cr2', 'cr3', 'cr4'].map(name => ({ ...word(name, 'int'), group: 'system' })),
]

/** Every register by gdb's number. */
export const GDB_REGISTERS: readonly GdbRegister[] = [...CORE, ...SSE, ...SYSTEM]

/** Number of EIP, ESP and EBP: what a stop reply shows at once. */
export const GDB_ESP = 4
export const GDB_EBP = 5
export const GDB_EIP = 8

const EFLAGS_FIELDS: readonly (readonly [string, number, number])[] = [
  ['CF', 0, 0],
  ['', 1, 1],
  ['PF', 2, 2],
  ['AF', 4, 4],
  ['ZF', 6, 6],
  ['SF', 7, 7],
  ['TF', 8, 8],
  ['IF', 9, 9],
  ['DF', 10, 10],
  ['OF', 11, 11],
  ['NT', 14, 14],
  ['RF', 16, 16],
  ['VM', 17, 17],
  ['AC', 18, 18],
  ['VIF', 19, 19],
  ['VIP', 20, 20],
  ['ID', 21, 21],
]

const MXCSR_FIELDS: readonly (readonly [string, number, number])[] = [
  ...['IE', 'DE', 'ZE', 'OE', 'UE', 'PE', 'DAZ', 'IM', 'DM', 'ZM', 'OM', 'UM', 'PM'].map(
    (name, bit) => [name, bit, bit] as const,
  ),
  ['FZ', 15, 15],
]

const VECTORS: readonly (readonly [string, string, number])[] = [
  ['v4f', 'ieee_single', 4],
  ['v2d', 'ieee_double', 2],
  ['v16i8', 'int8', 16],
  ['v8i16', 'int16', 8],
  ['v4i32', 'int32', 4],
  ['v2i64', 'int64', 2],
]

const VECTOR_VIEWS: readonly (readonly [string, string])[] = [
  ['v4_float', 'v4f'],
  ['v2_double', 'v2d'],
  ['v16_int8', 'v16i8'],
  ['v8_int16', 'v8i16'],
  ['v4_int32', 'v4i32'],
  ['v2_int64', 'v2i64'],
  ['uint128', 'uint128'],
]

function flags(id: string, fields: readonly (readonly [string, number, number])[]): string {
  const rows = fields.map(([name, start, end]) => `<field name="${name}" start="${start}" end="${end}"/>`)
  return `<flags id="${id}" size="4">${rows.join('')}</flags>`
}

function feature(name: string, types: string, registers: readonly GdbRegister[], first: number): string {
  const rows = registers.map((register, i) => {
    const group = register.group === undefined ? '' : ` group="${register.group}"`
    const number = i === 0 ? ` regnum="${first}"` : ''
    return `<reg name="${register.name}" bitsize="${register.bytes * 8}" type="${register.type}"${number}${group}/>`
  })
  return `<feature name="${name}">${types}${rows.join('')}</feature>`
}

/** The description that gdb reads as target.xml (gdb manual, appendix G). */
export function targetDescription(): string {
  const vectors = VECTORS.map(([id, type, count]) => `<vector id="${id}" type="${type}" count="${count}"/>`).join('')
  const views = VECTOR_VIEWS.map(([name, type]) => `<field name="${name}" type="${type}"/>`).join('')
  const sseTypes = `${vectors}<union id="vec128">${views}</union>${flags('i386_mxcsr', MXCSR_FIELDS)}`
  return [
    '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target><architecture>i386</architecture>',
    feature('org.gnu.gdb.i386.core', flags('i386_eflags', EFLAGS_FIELDS), CORE, 0),
    feature('org.gnu.gdb.i386.sse', sseTypes, SSE, CORE.length),
    feature('previrt.i386.system', '', SYSTEM, CORE.length + SSE.length),
    '</target>',
  ].join('')
}
