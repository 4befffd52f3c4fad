// The vectors of random-vector.ts through `createCpu`, compared with what the host's CPU made of them. Where processors
// may differ it is said here; nothing else is passed over.

import { RflagsBits } from 'iced-x86'
import type { EngineName } from '../../src/engine/engines.js'
import { createCpu, type SegmentState, type SingleCpu, type StepResult } from '../../src/index.js'
import {
  at,
  CODE,
  CODE_BYTES,
  DATA,
  DATA_BYTES,
  LDT,
  READ_ONLY,
  RECORD,
  ROUND,
  WINDOW,
  WINDOW_BYTES,
} from './host-steps.js'
import type { Vector, Vectors } from './random-vector.js'

const TABLES = 0x40000000
const TSS = TABLES + 0x1800
const names = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'] as const
const segmentNames = ['cs', 'ds', 'es', 'ss', 'fs', 'gs'] as const
const flagBits = { OF: 0x800, SF: 0x80, ZF: 0x40, AF: 0x10, CF: 1, PF: 4 } as const
/** CF PF AF ZF SF DF OF. */
const COMPARED_FLAGS = 0xcd5
const C1 = 0x200
const transcendental = /^(F2xm1|Fyl2x|Fyl2xp1|Fptan|Fpatan|Fsin|Fcos|Fsincos)$/
const reciprocal = /^R(cp|sqrt)[ps]s$/
/** Processors touch the x87 state or registers before these fault (not architectural). */
const movesBeforeFault = /^(Movn?tq|Movq|Movd|Maskmovq|Popad?)$/
/** RCL and RCR of bytes and words by a whole turn: OF is undefined, which iced does not say of immediates. */
const turns = /^Rc[lr]$/

/** Descriptors as Linux makes them from the LDT, and its flat segments in the GDT. */
const descriptors = new DataView(new ArrayBuffer(0x1000))
LDT.forEach(([base, limit, big, contents, fixed, pages, absent], i) => {
  const access = 0x71 | (absent ? 0 : 0x80) | (contents << 2) | (fixed ? 0 : 2)
  descriptors.setUint32(8 * i, (limit & 0xffff) | (base << 16), true)
  const high = ((base >>> 16) & 0xff) | (access << 8) | (limit & 0xf0000) | (big << 22) | (pages << 23)
  descriptors.setUint32(8 * i + 4, high | (base & 0xff000000), true)
})
;[0xcffb00, 0xcff300, 0xaffb00].forEach((high, i) => {
  descriptors.setUint32(0x820 + 8 * i, 0xffff, true)
  descriptors.setUint32(0x824 + 8 * i, high, true)
})
function segment(selector: number): SegmentState {
  if ((selector & ~3) === 0) return { selector, base: 0, limit: 0, rights: 0x10000 }
  const entry = (selector & 4 ? 0 : 0x800) + (selector & ~7)
  const [low, high] = [descriptors.getUint32(entry, true), descriptors.getUint32(entry + 4, true)]
  const limit = (low & 0xffff) | (high & 0xf0000)
  const base = ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000)) >>> 0
  return {
    selector,
    base,
    limit: (high & 0x800000 ? (limit << 12) | 0xfff : limit) >>> 0,
    rights: (high >>> 8) & 0xf0ff,
  }
}

function cpuFor(engine: EngineName): SingleCpu {
  const cpu = createCpu({ engine })
  cpu.map(CODE, CODE_BYTES, { write: true, user: true })
  cpu.map(DATA, DATA_BYTES, { write: true, user: true })
  for (const page of [ROUND, ROUND_END]) cpu.map(page, 0x1000, { write: true, user: true })
  cpu.map(READ_ONLY, 0x1000, { write: false, user: true })
  cpu.map(TABLES, 0x2000, { write: true, user: false })
  cpu.write(READ_ONLY, new Uint8Array(0x1000).fill(0x5a))
  cpu.write(TABLES, new Uint8Array(descriptors.buffer))
  cpu.write(TSS + 0x66, Uint8Array.of(0x68))
  cpu.state = {
    gdtr: { base: TABLES + 0x800, limit: 0x7f },
    ldtr: { selector: 0x50, base: TABLES, limit: 8 * LDT.length - 1, rights: 0x82 },
    idtr: { base: TABLES + 0x1000, limit: 0x7ff },
    tr: { selector: 0x40, base: TSS, limit: 0x67, rights: 0x8b },
  }
  return cpu
}
const emptyCode = new Uint8Array(CODE_BYTES).fill(0xf4)
/** ROUND holds the same bytes as the data on the host; here both are written and looked at. */
const ROUND_END = ROUND + 0xf000
const HALF = WINDOW_BYTES / 2
const emptyPage = new Uint8Array(0x1000)
function writeWindow(cpu: SingleCpu, window: Uint8Array) {
  cpu.write(WINDOW, window)
  cpu.write(ROUND_END, emptyPage)
  cpu.write(ROUND, emptyPage)
  cpu.write(ROUND + 0x10000 - HALF, window.subarray(0, HALF))
  cpu.write(ROUND, window.subarray(HALF))
}
function readWindow(cpu: SingleCpu, before: Uint8Array): Uint8Array {
  const window = cpu.read(WINDOW, WINDOW_BYTES)
  const round = Buffer.concat([cpu.read(ROUND + 0x10000 - HALF, HALF), cpu.read(ROUND, HALF)])
  return window.map((byte, i) => (round[i] === before[i] ? byte : round[i]!))
}
const emptyData = new Uint8Array(DATA_BYTES)

function load(cpu: SingleCpu, view: DataView) {
  const bytes = (from: number, length: number) => new Uint8Array(view.buffer, view.byteOffset + from, length).slice()
  cpu.write(CODE, emptyCode)
  cpu.write(DATA, emptyData)
  cpu.write(view.getUint32(at.codeAt, true), bytes(at.code, 16))
  writeWindow(cpu, bytes(at.memory, WINDOW_BYTES))
  const { fx } = at
  const eight = (from: number, length: number) => Array.from({ length: 8 }, (_, n) => bytes(from + 16 * n, length))
  cpu.state = {
    ...Object.fromEntries(names.map((name, n) => [name, view.getUint32(at.registers + 4 * n, true)])),
    ...Object.fromEntries(segmentNames.map((name, n) => [name, segment(view.getUint16(at.segments + 2 * n, true))])),
    eip: view.getUint32(at.eip, true),
    eflags: view.getUint32(at.eflags, true),
    mxcsr: view.getUint32(fx + 24, true),
    xmm: eight(fx + 160, 16),
    x87: {
      cw: view.getUint16(fx, true),
      sw: view.getUint16(fx + 2, true),
      tag: view.getUint8(fx + 4),
      st: eight(fx + 32, 10),
      ...{ opcode: 0, ip: 0, cs: 0, dp: 0, ds: 0 },
    },
  }
}

const groups: Record<number, string> = {
  0: '#DE',
  5: '#GP',
  6: '#UD',
  13: '#GP',
  11: '#SS',
  12: '#SS',
  16: '#MF',
  19: '#MF',
}
const ours = (result: StepResult) => {
  if (result.kind !== 'fault') return result.kind
  return result.vector === 14 ? `#PF ${result.cr2!.toString(16)}` : (groups[result.vector] ?? `#${result.vector}`)
}
/** What a signal says of the exception; #BR and #GP are one, #NP and #SS, #MF and #XM. */
function theirs(view: DataView): string {
  const [signal, code] = [view.getInt32(at.signal, true), view.getInt32(at.signalCode, true)]
  const INTDIV = 1
  if (signal === 5) return 'done'
  if (signal === 11) return code === 1 || code === 2 ? `#PF ${view.getUint32(at.address, true).toString(16)}` : '#GP'
  if (signal === 8) return code === INTDIV ? '#DE' : '#MF'
  return signal === 4 ? '#UD' : signal === 7 ? '#SS' : `signal ${signal}`
}
/** The host goes on in 64-bit mode there. */
const LONG_CODE = 0x33
/** At the end of a segment processors store and load these in part, and wrap. */
const images = /^(Fn?stenv|Fn?save|Fldenv|Frstor|Fxsave|Fxrstor)$/
/** These find segments in the host's own table too. */
const looks = /^(Lar|Lsl|Verr|Verw)$/
/** Selectors of the host's thread-local and per-processor segments. */
const isHosts = (selector: number) => selector >= 0x60 && selector < 0x80
/** Memory of the traced process that is none of ours. */
const foreign = (result: StepResult) =>
  result.kind === 'fault' &&
  result.vector === 14 &&
  (result.cr2! > 0x50000000 || (result.cr2! >= 0x8000000 && result.cr2! < CODE))

function differences(cpu: SingleCpu, vector: Vector, view: DataView, host: DataView): string[] {
  load(cpu, view)
  const result = cpu.step({ iterations: 1 })
  if (foreign(result) || segmentNames.some((_, n) => isHosts(host.getUint16(at.segments + 2 * n, true)))) return []
  const state = cpu.state
  if (state.cs.selector === LONG_CODE) return []
  const eip = host.getUint32(at.eip, true)
  let expected = theirs(host)
  // Behind MOV SS the host has gone on to the HLT that follows.
  const shadow = /^(Mov|Pop|Lss)$/.test(vector.mnemonic) && result.kind === 'done' && expected === '#GP'
  if (shadow && state.eip === eip) expected = 'done'
  if (images.test(vector.mnemonic) && [expected, ours(result)].some(kind => kind === '#GP' || kind === '#SS')) return []
  if (expected !== ours(result)) return [`host ${expected} ours ${ours(result)}`]
  const done = result.kind === 'done'
  // Behind IRET the host has TF from the frame.
  if (/^Iretd?$/.test(vector.mnemonic) || (!done && movesBeforeFault.test(vector.mnemonic))) return []
  if (looks.test(vector.mnemonic) && (host.getUint32(at.eflags, true) & ~state.eflags & flagBits.ZF) !== 0) return []
  const out: string[] = []
  const same = (what: string, a: number | string, b: number | string) => {
    if (a !== b) out.push(`${what} host ${Number(a).toString(16)} ours ${Number(b).toString(16)}`)
  }
  names.forEach((name, n) => {
    same(name, host.getUint32(at.registers + 4 * n, true), state[name])
  })
  same('eip', eip, state.eip)
  let compared = COMPARED_FLAGS
  for (const [name, bit] of Object.entries(flagBits))
    if (vector.undefinedFlags & RflagsBits[name as keyof typeof flagBits]) compared &= ~bit
  if (turns.test(vector.mnemonic)) compared &= ~flagBits.OF
  if (done) same('eflags', host.getUint32(at.eflags, true) & compared, state.eflags & compared)
  segmentNames.forEach((name, n) => {
    same(name, host.getUint16(at.segments + 2 * n, true), state[name].selector)
  })
  const approximate = transcendental.test(vector.mnemonic)
  const status = approximate ? 0xffff & ~C1 : 0xffff
  same('cw', host.getUint16(at.fx, true), state.x87.cw)
  same('sw', host.getUint16(at.fx + 2, true) & status, state.x87.sw & status)
  same('tag', host.getUint8(at.fx + 4), state.x87.tag)
  same('mxcsr', host.getUint32(at.fx + 24, true), state.mxcsr)
  const bytes = (from: number, length: number) => Buffer.from(host.buffer, host.byteOffset + from, length)
  for (let n = 0; n < 8; n++) {
    const st = bytes(at.fx + 32 + 16 * n, 10)
    if (st.compare(state.x87.st[n]!) && !(approximate && close(st, Buffer.from(state.x87.st[n]!))))
      out.push(`st${n} host ${st.toString('hex')} ours ${Buffer.from(state.x87.st[n]!).toString('hex')}`)
    const xmm = bytes(at.fx + 160 + 16 * n, 16)
    if (xmm.compare(state.xmm[n]!) && !reciprocal.test(vector.mnemonic))
      out.push(`xmm${n} host ${xmm.toString('hex')} ours ${Buffer.from(state.xmm[n]!).toString('hex')}`)
  }
  const before = new Uint8Array(view.buffer, view.byteOffset + at.memory, WINDOW_BYTES)
  if (bytes(at.memory, WINDOW_BYTES).compare(readWindow(cpu, before))) out.push('memory differs')
  return out
}
/** One unit in the last place apart at most. */
function close(x: Buffer, y: Buffer): boolean {
  const position = (b: Buffer) => (BigInt(b.readUInt16LE(8)) << 63n) + (b.readBigUInt64LE(0) & ((1n << 63n) - 1n))
  const distance = position(x) - position(y)
  return distance >= -1n && distance <= 1n
}

/** A line for each vector of which the host's CPU and the engine make different things. */
export function againstSteps(vectors: Vectors, host: Buffer, engine: EngineName): string[] {
  const cpu = cpuFor(engine)
  return vectors.list.flatMap((vector, i) => {
    const after = new DataView(host.buffer, host.byteOffset + RECORD * i, RECORD)
    const found = differences(cpu, vector, vectors.record(i), after)
    if (found.length === 0) return []
    return [`${i} ${vector.text} (${Buffer.from(vector.bytes).toString('hex')}): ${found.join('; ')}`]
  })
}
