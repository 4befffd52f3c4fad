// The machine's registers as gdb's i386 description names and sizes them: a view of the processor's state. The x87 tag
// word is gdb's full one (two bits a register, SDM vol. 1, 8.1.7); the state keeps the abridged one.
import type { Machine } from '../machine/machine.js'

const SELECTORS = ['cs', 'ss', 'ds', 'es', 'fs', 'gs'] as const
const WORDS = [
  'eax',
  'ecx',
  'edx',
  'ebx',
  'esp',
  'ebp',
  'esi',
  'edi',
  'eip',
  'eflags',
  'mxcsr',
  'cr0',
  'cr2',
  'cr3',
  'cr4',
] as const
const TAG_ZERO = 1
const TAG_SPECIAL = 2
const TAG_EMPTY = 3
/** gdb's names of the x87 environment, by the state's. */
const X87 = { fctrl: 'cw', fstat: 'sw', fiseg: 'cs', fioff: 'ip', foseg: 'ds', fooff: 'dp', fop: 'opcode' } as const

type WordName = (typeof WORDS)[number]
type X87Name = keyof typeof X87

const isWord = (name: string): name is WordName => (WORDS as readonly string[]).includes(name)
const isSelector = (name: string): name is (typeof SELECTORS)[number] => (SELECTORS as readonly string[]).includes(name)
const isX87 = (name: string): name is X87Name => name in X87

/** The bytes of a register by gdb's name, little-endian; undefined if there is none of that name. */
export function readMachineRegister(machine: Machine, name: string): Uint8Array | undefined {
  const { state } = machine.cpu
  if (isWord(name)) return word(state[name])
  if (isSelector(name)) return word(state[name].selector)
  if (isX87(name)) return word(state.x87[X87[name]])
  if (name === 'ftag') return word(fullTag(state.x87))
  if (name === 'fs_base') return word(state.fs.base)
  if (name === 'gs_base') return word(state.gs.base)
  const indexed = /^(st|xmm)([0-7])$/.exec(name)
  if (!indexed) return undefined
  return (indexed[1] === 'st' ? state.x87.st : state.xmm)[Number(indexed[2])]
}

/** Sets a register by gdb's name from its bytes; false if it cannot be set. Hidden parts of segments stay as they are. */
export function writeMachineRegister(machine: Machine, name: string, bytes: Uint8Array): boolean {
  const { cpu } = machine
  const value = bytes.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) : 0
  const indexed = /^(st|xmm)([0-7])$/.exec(name)
  if (isWord(name)) cpu.state = { [name]: value }
  else if (isSelector(name)) cpu.state = { [name]: { selector: value & 0xffff } }
  else if (isX87(name)) cpu.state = { x87: { [X87[name]]: value } }
  else if (name === 'ftag') cpu.state = { x87: { tag: abridgedTag(value) } }
  else if (name === 'fs_base') cpu.state = { fs: { base: value } }
  else if (name === 'gs_base') cpu.state = { gs: { base: value } }
  else if (indexed?.[1] === 'st') cpu.state = { x87: { st: cpu.state.x87.st.with(Number(indexed[2]), bytes.slice()) } }
  else if (indexed) cpu.state = { xmm: cpu.state.xmm.with(Number(indexed[2]), bytes.slice()) }
  else return false
  return true
}

function word(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24)
}

function fullTag(x87: { sw: number; tag: number; st: Uint8Array[] }): number {
  const top = (x87.sw >>> 11) & 7
  let full = 0
  for (let physical = 0; physical < 8; physical++) {
    const empty = ((x87.tag >>> physical) & 1) === 0
    full |= (empty ? TAG_EMPTY : classOf(x87.st[(physical - top) & 7]!)) << (physical * 2)
  }
  return full
}

function classOf(value: Uint8Array): number {
  const exponent = ((value[9]! & 0x7f) << 8) | value[8]!
  const integerBit = value[7]! >>> 7
  if (exponent === 0 && value.subarray(0, 8).every(byte => byte === 0)) return TAG_ZERO
  return exponent === 0 || exponent === 0x7fff || integerBit === 0 ? TAG_SPECIAL : 0
}

function abridgedTag(full: number): number {
  let tag = 0
  for (let physical = 0; physical < 8; physical++) {
    if (((full >>> (physical * 2)) & 3) !== TAG_EMPTY) tag |= 1 << physical
  }
  return tag
}
