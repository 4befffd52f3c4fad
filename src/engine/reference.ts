// The reference engine: fetches, decodes and evaluates one instruction after the other by the definition of the IR. It
// keeps no decoded code: what it remembers is compared with the bytes in memory each time, so nothing can be stale.
// Fetching is checked as in SDM vol. 3, 5.3 and 4.7: limit of CS before translation, byte by byte over a page's end.

import type { Cpu } from '../cpu/cpu.js'
import { helpers } from '../cpu/helpers.js'
import * as L from '../cpu/layout.js'
import { MODE_CODE32, MODE_FLAT, MODE_PROTECTED, MODE_V86 } from '../cpu/mode.js'
import { STOP_AGAIN, STOP_NEXT } from '../cpu/stops.js'
import { type Datum, type Environment, Evaluator, type Program, prepare } from '../ir/evaluate.js'
import { type DecodeMode, Decoder, NEED_MORE } from '../isa/decode.js'
import { forms, TOO_LONG, UD } from '../isa/forms.js'
import { decodeModeOf } from './decoder-features.js'
import type { Engine } from './execution.js'
import { EXIT_BUDGET, EXIT_FAULT, EXIT_INTERCEPT, EXIT_STOP } from './record.js'
import * as S from './static-context.js'

const BUDGET = L.BUDGET >> 2
const EIP = L.EIP >> 2
const MODE = L.MODE >> 2
const FAULT = L.FAULT >> 2
const TLB_READ = L.TLB_READ >> 2
const TLB_WRITE = L.TLB_WRITE >> 2
const CS_BASE = L.segmentCell(L.CS, L.SEG_BASE) >> 2
const CS_LIMIT = L.segmentCell(L.CS, L.SEG_LIMIT) >> 2

/** Bits of MODE that decoding depends on. */
const DECODED_UNDER = MODE_CODE32 | MODE_FLAT | MODE_PROTECTED | MODE_V86
const PAGE = 0x1000
const MAXIMUM_LENGTH = 15
const FETCH_BYTES = 16
const GP = 13
/** Instructions remembered by place, and different tapes kept. */
const PLACES = 1 << 15
const TAPES_AT_MOST = 30_000
/** Result of one instruction: go on. */
const CONTINUE = -1

/** An instruction as it was decoded, with the bytes it was decoded from. */
interface Instruction {
  readonly host: number
  readonly mode: number
  readonly bytes: readonly number[]
  readonly form: number
  readonly program: Program
  readonly displacement: number
  readonly relative: number
  /** Bits of a direct branch target. */
  readonly targetMask: number
}

type Helper = (cpu: Cpu, ...args: number[]) => number

export class Reference implements Engine {
  readonly name = 'reference'
  intercepted = 0
  private readonly i32: Int32Array
  private controlled: Uint8Array = new Uint8Array(forms.length)
  private breakpoints: ReadonlySet<number> = new Set()
  private readonly evaluator: Evaluator
  private readonly decoder = new Decoder()
  private readonly context = new S.StaticContext()
  private readonly modes: (DecodeMode | undefined)[] = []
  private readonly places = new Array<Instruction | undefined>(PLACES).fill(undefined)
  private readonly programs = new Map<string, Program>()
  private readonly args: number[] = new Array<number>(S.PARAMETERS).fill(0)
  private readonly fetched = new Uint8Array(64)

  /** @param features decoder features of the CPU model (isa/features.ts) */
  constructor(
    private readonly cpu: Cpu,
    private readonly features: number,
  ) {
    this.i32 = cpu.i32
    cpu.i32[FAULT] = 0
    this.evaluator = new Evaluator(cpu.buffer, this.environment())
  }

  modeChanged() {}
  codeWritten() {}
  intercept(controlled: Uint8Array, breakpoints: ReadonlySet<number>) {
    this.controlled = controlled
    this.breakpoints = breakpoints
  }

  advance(): number {
    const { i32 } = this
    while (i32[BUDGET]! > 0) {
      const exit = this.one(false)
      if (exit !== CONTINUE) return exit
    }
    return EXIT_BUDGET
  }
  single(uncontrolled = false): number {
    const exit = this.one(uncontrolled)
    return exit === CONTINUE ? EXIT_STOP : exit
  }

  private one(uncontrolled: boolean): number {
    const { cpu, i32 } = this
    const counted = L.isCounted(i32[CS_BASE]! + i32[EIP]!)
    const before = cpu.retired
    const exit = this.execute(uncontrolled)
    if (counted) i32[L.WINDOW_COUNT >> 2]! += cpu.retired - before
    return exit
  }
  /** One instruction; CONTINUE or EXIT_*. */
  private execute(uncontrolled: boolean): number {
    const { i32 } = this
    const eip = i32[EIP]!
    const instruction = this.fetch(eip >>> 0)
    if (!instruction) return EXIT_FAULT
    const leaves = this.controlled[instruction.form] || (this.breakpoints.size > 0 && this.hasBreakpoint(eip))
    if (!uncontrolled && leaves) {
      this.intercepted = instruction.form
      return EXIT_INTERCEPT
    }
    const { args } = this
    const sum = eip + instruction.bytes.length
    args[S.EIP] = eip
    args[S.NEXT] = sum | 0
    args[S.TARGET] = (sum + instruction.relative) & instruction.targetMask
    args[S.DISPLACEMENT] = instruction.displacement
    const ending = this.evaluator.run(instruction.program, args)
    switch (ending.kind) {
      case 'fault':
        i32[EIP] = eip
        return EXIT_FAULT
      case 'next':
        i32[EIP] = sum | 0
        break
      case 'target':
        i32[EIP] = args[S.TARGET]!
        break
      case 'jump':
        i32[EIP] = ending.offset
        break
      case 'stop':
        if (ending.reason === STOP_AGAIN) {
          i32[EIP] = eip
          return EXIT_STOP
        }
        if (ending.reason === STOP_NEXT) i32[EIP] = sum | 0
        i32[BUDGET]!--
        return EXIT_STOP
    }
    i32[BUDGET]!--
    return CONTINUE
  }
  private hasBreakpoint(eip: number): boolean {
    return this.breakpoints.has((this.i32[CS_BASE]! + eip) >>> 0)
  }

  /** The instruction at an offset of CS; undefined with an exception raised. */
  private fetch(eip: number): Instruction | undefined {
    const { cpu, i32 } = this
    const limit = i32[CS_LIMIT]! >>> 0
    if (eip > limit) return this.beyondLimit()
    const linear = (i32[CS_BASE]! + eip) >>> 0
    const entry = i32[(i32[TLB_READ]! >> 2) + (linear >>> 12)]!
    const host = (entry & 0xfff) === L.TLB_VALID ? (linear + entry + L.TLB_VALID) >>> 0 : cpu.translateCode(linear)
    if (host === -2) return undefined
    const mode = i32[MODE]! & DECODED_UNDER
    const known = this.places[host & (PLACES - 1)]
    const found = known && known.host === host && known.mode === mode && this.same(known) ? known : undefined
    const instruction = found ?? this.decode(eip, linear, host, mode)
    if (!instruction || eip + instruction.bytes.length - 1 <= limit) return instruction
    return this.beyondLimit()
  }
  private beyondLimit(): undefined {
    this.cpu.raise(GP, 0)
  }
  /** Whether memory still holds the instruction's bytes. */
  private same({ host, bytes }: Instruction): boolean {
    const { u8 } = this.cpu
    for (let i = 0; i < bytes.length; i++) if (u8[host + i] !== bytes[i]) return false
    return true
  }

  private decode(eip: number, linear: number, host: number, mode: number): Instruction | undefined {
    const { cpu, decoder, fetched } = this
    const left = PAGE - (linear & (PAGE - 1))
    this.modes[mode] ??= decodeModeOf(mode, this.features)
    const decodeMode = this.modes[mode]
    this.gather(linear, host, Math.min(left, FETCH_BYTES), 0)
    let form = decoder.decode(fetched, 0, left, decodeMode)
    const inPage = form !== NEED_MORE && host >= 0
    if (form === NEED_MORE) {
      if (eip + left > this.i32[CS_LIMIT]! >>> 0) return this.beyondLimit()
      const following = (linear + left) >>> 0
      const second = cpu.translateCode(following)
      if (second === -2) return undefined
      this.gather(following, second, FETCH_BYTES - left, left)
      form = decoder.decode(fetched, 0, FETCH_BYTES, decodeMode)
    }
    const length = form === UD || form === TOO_LONG ? 1 : decoder.length
    const instruction: Instruction = {
      host,
      mode,
      bytes: Array.from(fetched.subarray(0, Math.min(length, MAXIMUM_LENGTH))),
      form,
      program: this.program(),
      displacement: decoder.disp,
      relative: decoder.rel,
      targetMask: forms[form]!.operandSize === 2 ? 0xffff : -1,
    }
    // What is no instruction may depend on bytes behind its first.
    if (inPage && form !== UD && form !== TOO_LONG) this.places[host & (PLACES - 1)] = instruction
    return instruction
  }
  /** Reads instruction bytes of one page; `host` negative is device memory. */
  private gather(linear: number, host: number, bytes: number, at: number) {
    const { cpu, fetched } = this
    if (at === 0) fetched.fill(0)
    if (host >= 0) return fetched.set(cpu.u8.subarray(host, host + bytes), at)
    const physical = cpu.frame * PAGE + (linear & (PAGE - 1))
    for (let i = 0; i < bytes; i++) fetched[at + i] = cpu.host.deviceRead(physical + i, 1)
  }
  /** The program of the instruction that the decoder holds. */
  private program(): Program {
    const { decoder, programs } = this
    const key = S.tapeKey(decoder)
    let program = programs.get(key)
    if (!program) {
      if (programs.size >= TAPES_AT_MOST) programs.clear()
      program = prepare(this.context.instruction(decoder))
      programs.set(key, program)
    }
    return program
  }

  private environment(): Environment {
    const { cpu, i32 } = this
    const table = helpers as Readonly<Record<string, Helper | undefined>>
    return {
      guestLoad: (linear, width, willWrite) => this.load(linear, width, willWrite),
      guestStore: (linear, width, value) => this.store(linear, width, value),
      helper: (name, [a, b, c, d]) => {
        const helper = table[name]
        if (!helper) throw new Error(`no helper ${name}`)
        return helper(cpu, a!, b!, c!, d!)
      },
      procedure: name => new S.StaticContext().procedure(name),
      raise: (vector, error) => {
        cpu.raise(vector, error)
      },
      fault: () => i32[FAULT] !== 0,
    }
  }
  private load(linear: number, width: number, willWrite: boolean): Datum {
    const { cpu, i32 } = this
    const { view } = cpu
    const entry = i32[(i32[willWrite ? TLB_WRITE : TLB_READ]! >> 2) + (linear >>> 12)]!
    let host = L.SCRATCH
    if (((entry | (linear & (width - 1))) & 0xfff) === L.TLB_VALID) host = (linear + entry + L.TLB_VALID) >>> 0
    else {
      const value = cpu.loadSlow(linear, width, Number(willWrite))
      if (width <= 4 || i32[FAULT] !== 0) return value
    }
    switch (width) {
      case 1:
        return view.getUint8(host)
      case 2:
        return view.getUint16(host, true)
      case 4:
        return view.getInt32(host, true)
      case 8:
        return view.getBigInt64(host, true)
      default:
        return cpu.u8.slice(host, host + width)
    }
  }
  private store(linear: number, width: number, value: Datum) {
    const { cpu, i32 } = this
    const { view } = cpu
    const entry = i32[(i32[TLB_WRITE]! >> 2) + (linear >>> 12)]!
    const plain = ((entry | (linear & (width - 1))) & 0xfff) === L.TLB_VALID
    const host = plain ? (linear + entry + L.TLB_VALID) >>> 0 : L.SCRATCH
    if (width > 4) {
      if (width === 8) view.setBigInt64(host, value as bigint, true)
      else cpu.u8.set(value as Uint8Array, host)
      if (!plain) cpu.storeSlow(linear, width, 0)
    } else if (!plain) cpu.storeSlow(linear, width, value as number)
    else if (width === 1) view.setUint8(host, value as number)
    else if (width === 2) view.setUint16(host, value as number, true)
    else view.setInt32(host, value as number, true)
  }
}
