// A far CALL or JMP at EIP, taken apart: what it names and how long it is (SDM vol. 2, forms 9A, EA, FF /3 and FF /5).

import { isFault, type Vcpu } from '../../hypervisor.js'
import { CS, DS, EBP, ES, ESP, FS, GS, SS } from './registers.js'

export interface FarOperand {
  readonly jump: boolean
  readonly selector: number
  readonly bytes: number
}

const SEGMENTS = new Map([
  [0x26, ES],
  [0x2e, CS],
  [0x36, SS],
  [0x3e, DS],
  [0x64, FS],
  [0x65, GS],
])
const OTHER_PREFIXES = new Set([0x66, 0x67, 0xf0, 0xf2, 0xf3])
const LONGEST = 15
const DEFAULT_32 = 0x4000
const CALL_DIRECT = 0x9a
const JUMP_DIRECT = 0xea
const INDIRECT = 0xff
const CALL_INDIRECT = 3
const JUMP_INDIRECT = 5
/** Registers of the 16-bit forms: BX, BP, SI, DI. */
const PAIRS = [[3, 6], [3, 7], [5, 6], [5, 7], [6], [7], [5], [3]] as const

/** Undefined for any other instruction, and where its bytes or its operand cannot be read. */
export function farOperand(vcpu: Vcpu): FarOperand | undefined {
  const code = vcpu.segment(CS)
  const user = vcpu.cpl === 3
  const start = vcpu.eip
  let at = start
  let readable = true
  const read = (linear: number, bytes: number) => {
    const value = vcpu.load(linear >>> 0, bytes, user)
    if (isFault(value)) readable = false
    return isFault(value) ? 0 : (value as number)
  }
  const fetch = (bytes: number) => {
    const value = read(code.base + at, bytes)
    at += bytes
    return value
  }
  const wide = (code.rights & DEFAULT_32) !== 0
  let operand32 = wide
  let address32 = wide
  let override: number | undefined
  let opcode = fetch(1)
  for (let n = 1; n < LONGEST && (SEGMENTS.has(opcode) || OTHER_PREFIXES.has(opcode)); n++) {
    if (opcode === 0x66) operand32 = !wide
    else if (opcode === 0x67) address32 = !wide
    else override = SEGMENTS.get(opcode) ?? override
    opcode = fetch(1)
  }
  const offsetBytes = operand32 ? 4 : 2
  if (opcode === CALL_DIRECT || opcode === JUMP_DIRECT) {
    at += offsetBytes
    const selector = fetch(2)
    return readable ? { jump: opcode === JUMP_DIRECT, selector, bytes: at - start } : undefined
  }
  if (opcode !== INDIRECT) return undefined
  const form = fetch(1)
  const kind = (form >>> 3) & 7
  if (form >= 0xc0 || (kind !== CALL_INDIRECT && kind !== JUMP_INDIRECT)) return undefined
  const { offset, stack } = address32 ? address(vcpu, form, fetch) : shortAddress(vcpu, form, fetch)
  const { base } = vcpu.segment(override ?? (stack ? SS : DS))
  const selector = read(base + offset + offsetBytes, 2)
  return readable ? { jump: kind === JUMP_INDIRECT, selector, bytes: at - start } : undefined
}

type Fetch = (bytes: number) => number

const signed = (byte: number) => (byte << 24) >> 24

/** The address that a ModR/M byte names, and whether its segment is SS. */
function address(vcpu: Vcpu, form: number, fetch: Fetch) {
  const mode = form >>> 6
  let base = form & 7
  let offset = 0
  if (base === 4) {
    const scaled = fetch(1)
    base = scaled & 7
    const index = (scaled >>> 3) & 7
    if (index !== 4) offset = vcpu.register(index) << (scaled >>> 6)
  }
  const absolute = mode === 0 && base === 5
  if (!absolute) offset += vcpu.register(base)
  if (mode === 1) offset += signed(fetch(1))
  else if (mode === 2 || absolute) offset += fetch(4)
  return { offset: offset >>> 0, stack: !absolute && (base === ESP || base === EBP) }
}

function shortAddress(vcpu: Vcpu, form: number, fetch: Fetch) {
  const mode = form >>> 6
  const absolute = mode === 0 && (form & 7) === 6
  const registers: readonly number[] = absolute ? [] : PAIRS[form & 7]!
  let offset = registers.reduce((sum, register) => sum + vcpu.register(register), 0)
  if (mode === 1) offset += signed(fetch(1))
  else if (mode === 2 || absolute) offset += fetch(2)
  return { offset: offset & 0xffff, stack: registers.includes(EBP) }
}
