// The reference evaluator: a plain interpreter of tapes. It DEFINES the IR; every other engine must agree with it.
// i32 values are numbers (| 0), i64 BigInts in 64 signed bits, f32 and f64 numbers, v128 Uint8Array(16), lane 0 first.
// The payload of a NaN that an f32 or f64 operator makes or hands on is not defined. Knows no x86.

import { scalarOperators } from './evaluate-scalar.js'
import { vectorOperators } from './evaluate-v128.js'
import {
  BREAK,
  CALL,
  CONST,
  CONST_WIDE,
  COPY,
  ELSE,
  END,
  FILL,
  FIRST_OPERATOR,
  GET_VARIABLE,
  GUEST_LOAD,
  GUEST_STORE,
  HELPER,
  IF,
  JUMP,
  JUMP_TARGET,
  LOAD,
  LOOP,
  MARK,
  NONE,
  PARAMETER,
  type Procedure,
  RAISE,
  RETURN,
  SET_VARIABLE,
  STOP,
  STORE,
  type Tape,
  WIDTH_SIGNED,
} from './tape.js'
import { operators } from './types.js'

/** A value of any IR type. */
export type Datum = number | bigint | Uint8Array

/** A pure operator as a function; `lane` is the constant lane of the operators that have one, else 0. */
export type Operation = (x: never, y: never, z: never, lane: number) => Datum

/** What a tape needs of its surroundings. */
export interface Environment {
  /** Guest memory at a linear address; width 1, 2, 4 gives a number, 8 a bigint, 16 a Uint8Array. A fault is told by fault(). */
  guestLoad(linear: number, width: number, willWrite: boolean): Datum
  guestStore(linear: number, width: number, value: Datum): void
  /** A function of the embedder; i32 arguments and result. A fault is told by fault(). */
  helper(name: string, args: number[]): number
  /** The procedure with this name; asked once for each name. */
  procedure(name: string): Procedure
  /** Records an exception; fault() is true from then on. */
  raise(vector: number, error: number | undefined): void
  /** True when the instruction has met an exception. */
  fault(): boolean
}

/** How a tape ended. `next`: ran to its end. `target`: goes on at its direct branch target. */
export type Ending =
  | { readonly kind: 'next' | 'target' | 'fault' }
  | { readonly kind: 'jump'; readonly offset: number }
  | { readonly kind: 'stop'; readonly reason: number }

const NEXT: Ending = { kind: 'next' }
const TARGET: Ending = { kind: 'target' }
const FAULTED: Ending = { kind: 'fault' }

/** A tape made ready to be evaluated: a copy, with control flow matched and operators resolved. */
export interface Program {
  readonly op: Uint16Array
  readonly a: Int32Array
  readonly b: Int32Array
  readonly c: Int32Array
  readonly imm: Int32Array
  readonly wide: readonly Datum[]
  readonly calls: Tape['calls']
  /** Functions of pure operators, by entry. */
  readonly operations: readonly ((x: unknown, y: unknown, z: unknown, lane: number) => Datum)[]
  /** Entry to go on after: IF -> its ELSE or END, ELSE -> END, END of a loop -> LOOP, BREAK -> END of its loop. */
  readonly partner: Int32Array
  readonly values: Datum[]
  readonly variables: Datum[]
}

const byNumber: (Operation | undefined)[] = operators.map(o => scalarOperators[o.name] ?? vectorOperators[o.name])

/** Copies a tape and resolves its control flow and operators. Throws on control that does not match and on operators without a definition. */
export function prepare(tape: Tape): Program {
  const n = tape.length
  const partner = new Int32Array(n).fill(-1)
  const open: number[] = []
  const breaks: number[][] = []
  const operations: Program['operations'][number][] = []
  for (let i = 0; i < n; i++) {
    const op = tape.op[i]!
    if (op >= FIRST_OPERATOR) {
      const f = byNumber[op - FIRST_OPERATOR]
      if (!f) throw new Error(`entry ${i}: operator ${operators[op - FIRST_OPERATOR]?.name ?? op} has no definition`)
      operations[i] = f as Program['operations'][number]
    } else if (op === IF || op === LOOP) {
      open.push(i)
      if (op === LOOP) breaks.push([])
    } else if (op === BREAK) {
      const innermost = breaks.at(-1)
      if (!innermost) throw new Error(`entry ${i}: BREAK outside a loop`)
      innermost.push(i)
    } else if (op === ELSE || op === END) {
      const start = open.pop()
      if (start === undefined) throw new Error(`entry ${i}: ${op === ELSE ? 'ELSE' : 'END'} closes nothing`)
      if (tape.op[start] === LOOP) {
        if (op === ELSE) throw new Error(`entry ${i}: ELSE in a loop that was opened at ${start}`)
        partner[i] = start
        for (const at of breaks.pop()!) partner[at] = i
      } else {
        partner[start] = i
        if (op === ELSE) open.push(i)
      }
    }
  }
  if (open.length) throw new Error(`entry ${open.at(-1)}: not closed`)
  // Operators are called with three values: those that an operator does not have are entry 0's.
  const operands = (of: Int32Array) => of.slice(0, n).map((v, i) => (v === NONE && operations[i] ? 0 : v))
  return {
    op: tape.op.slice(0, n),
    a: operands(tape.a),
    b: operands(tape.b),
    c: operands(tape.c),
    imm: tape.imm.slice(0, n),
    wide: tape.wide.slice(),
    calls: tape.calls.slice(),
    operations,
    partner,
    values: new Array<Datum>(n).fill(0),
    variables: new Array<Datum>(tape.variables.length).fill(0),
  }
}

export class Evaluator {
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly procedures = new Map<string, Program>()
  private returned: Datum = 0

  /** `memory` is the machine's linear memory (layout in the embedder's hands); it may not be detached while in use. */
  constructor(
    memory: ArrayBufferLike,
    private readonly environment: Environment,
  ) {
    this.bytes = new Uint8Array(memory)
    this.view = new DataView(memory)
  }

  /** Evaluates a program from its first entry. Procedures must not call themselves. Throws RangeError outside linear memory. */
  run(program: Program, args: readonly Datum[] = []): Ending {
    const { op, a, b, c, imm, partner, values, variables, operations } = program
    const environment = this.environment
    const n = op.length
    for (let i = 0; i < n; i++) {
      const code = op[i]!
      if (code >= FIRST_OPERATOR) {
        values[i] = operations[i]!(values[a[i]!], values[b[i]!], values[c[i]!], imm[i]!)
        continue
      }
      switch (code) {
        case CONST:
          values[i] = imm[i]!
          break
        case CONST_WIDE:
          values[i] = program.wide[imm[i]!]!
          break
        case LOAD:
          values[i] = this.load(((values[a[i]!] as number) >>> 0) + (imm[i]! >>> 0), b[i]!)
          break
        case STORE:
          this.store(((values[a[i]!] as number) >>> 0) + (imm[i]! >>> 0), b[i]!, values[c[i]!]!)
          break
        case GUEST_LOAD: {
          const width = b[i]! & ~WIDTH_SIGNED
          const v = environment.guestLoad((values[a[i]!] as number) >>> 0, width, imm[i] === 1)
          if (environment.fault()) return FAULTED
          values[i] = b[i]! & WIDTH_SIGNED ? ((v as number) << (32 - 8 * width)) >> (32 - 8 * width) : v
          break
        }
        case GUEST_STORE:
          environment.guestStore((values[a[i]!] as number) >>> 0, b[i]!, values[c[i]!]!)
          if (environment.fault()) return FAULTED
          break
        case IF:
          if (values[a[i]!] === 0) i = partner[i]!
          break
        case ELSE:
          i = partner[i]!
          break
        case END:
          if (partner[i]! >= 0) i = partner[i]!
          break
        case BREAK:
          if (values[a[i]!] !== 0) i = partner[i]!
          break
        case GET_VARIABLE:
          values[i] = variables[imm[i]!]!
          break
        case SET_VARIABLE:
          variables[imm[i]!] = values[a[i]!]!
          break
        case CALL: {
          const call = program.calls[imm[i]!]!
          const ending = this.run(
            this.procedure(call.callee),
            call.args.map(v => values[v]!),
          )
          if (ending.kind === 'fault') return FAULTED
          if (ending.kind !== 'next') throw new Error(`procedure ${call.callee} ended with ${ending.kind}`)
          values[i] = this.returned
          break
        }
        case HELPER: {
          const call = program.calls[imm[i]!]!
          values[i] =
            environment.helper(
              call.callee,
              call.args.map(v => values[v] as number),
            ) | 0
          if (call.faults && environment.fault()) return FAULTED
          break
        }
        case RAISE:
          environment.raise(imm[i]!, a[i] === NONE ? undefined : (values[a[i]!] as number))
          return FAULTED
        case JUMP:
          return { kind: 'jump', offset: values[a[i]!] as number }
        case JUMP_TARGET:
          return TARGET
        case STOP:
          return { kind: 'stop', reason: imm[i]! }
        case COPY: {
          const from = (values[b[i]!] as number) >>> 0
          this.bytes.copyWithin((values[a[i]!] as number) >>> 0, from, from + ((values[c[i]!] as number) >>> 0))
          break
        }
        case FILL: {
          const from = (values[a[i]!] as number) >>> 0
          this.bytes.fill(values[b[i]!] as number, from, from + ((values[c[i]!] as number) >>> 0))
          break
        }
        case PARAMETER:
          values[i] = args[imm[i]!]!
          break
        case RETURN:
          if (a[i] !== NONE) this.returned = values[a[i]!]!
          return NEXT
        case LOOP:
        case MARK:
          break
        default:
          throw new Error(`entry ${i}: ${code} is not an IR operation`)
      }
    }
    return NEXT
  }

  private procedure(name: string): Program {
    let program = this.procedures.get(name)
    if (!program) {
      program = prepare(this.environment.procedure(name).tape)
      this.procedures.set(name, program)
    }
    return program
  }

  private load(address: number, width: number): Datum {
    const view = this.view
    switch (width) {
      case 1:
        return view.getUint8(address)
      case 2:
        return view.getUint16(address, true)
      case 4:
        return view.getInt32(address, true)
      case 8:
        return view.getBigInt64(address, true)
      case 16:
        if (address + 16 > this.bytes.length) throw new RangeError(`load of 16 bytes at ${address}`)
        return this.bytes.slice(address, address + 16)
      case 1 | WIDTH_SIGNED:
        return view.getInt8(address)
      case 2 | WIDTH_SIGNED:
        return view.getInt16(address, true)
      default:
        throw new Error(`load of width ${width}`)
    }
  }

  private store(address: number, width: number, value: Datum) {
    const view = this.view
    switch (width) {
      case 1:
        return view.setUint8(address, value as number)
      case 2:
        return view.setUint16(address, value as number, true)
      case 4:
        return view.setInt32(address, value as number, true)
      case 8:
        return view.setBigInt64(address, value as bigint, true)
      case 16:
        return this.bytes.set(value as Uint8Array, address)
      default:
        throw new Error(`store of width ${width}`)
    }
  }
}
