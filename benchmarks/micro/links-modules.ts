// The modules that links.ts measures: a core that looks regions up as src/engine/hot-links.ts does, and regions of eight
// registers, a budget and four cells of flags that do a little work and go on.

import { FunctionCode, wasmType } from '../../src/engine/function-code.js'
import { I32, I64, type Type, V128 } from '../../src/ir/types.js'
import { ModuleBuilder } from '../../src/wasm/module.js'
import * as W from '../../src/wasm/opcodes.js'

export interface Way {
  readonly name: string
  /** By way of the core, through a table of the module's own, or to a function of the module. */
  readonly by: 'core' | 'table' | 'function'
  /** How the nine numbers go: as they are, in pairs as 64-bit integers, or all but the first four in cells. */
  readonly as: 'i32' | 'i64' | 'cells'
  readonly sameModule?: boolean
  /** The table entry of the target is looked up and compared with what a cell says. */
  readonly compared?: boolean
  /** Cells of flags. */
  readonly flags: number
  readonly heat?: boolean
}
export const WAYS: readonly Way[] = [
  { name: 'core: as it was', by: 'core', as: 'i32', flags: 4, heat: true },
  { name: 'core: without heat', by: 'core', as: 'i32', flags: 4 },
  { name: 'core: without flags', by: 'core', as: 'i32', flags: 0, heat: true },
  { name: 'core: pairs', by: 'core', as: 'i64', flags: 4, heat: true },
  { name: 'core: cells', by: 'core', as: 'cells', flags: 4, heat: true },
  { name: 'table', by: 'table', as: 'i32', flags: 4 },
  { name: 'table: compared', by: 'table', as: 'i32', flags: 4, compared: true },
  { name: 'table: without flags', by: 'table', as: 'i32', flags: 0 },
  { name: 'table: pairs', by: 'table', as: 'i64', flags: 4 },
  { name: 'table: cells', by: 'table', as: 'cells', flags: 4 },
  { name: 'function', by: 'function', as: 'i32', flags: 4, sameModule: true },
  { name: 'function: without flags', by: 'function', as: 'i32', flags: 0, sameModule: true },
  { name: 'function: pairs', by: 'function', as: 'i64', flags: 4, sameModule: true },
  { name: 'function: cells', by: 'function', as: 'cells', flags: 4, sameModule: true },
]

/** Budget at which a run ends. */
export const LIMIT = 512
/** Index of the first region in the core's table. */
export const CORE_REGION = 1
const BUDGET = 8
const CELL = { eip: 0x120, leaving: 0x1d0, heat: 0x17c, flags: 0x140, register: 0x100, codeTable: 0x16c }
const CODE_TABLE = 0x10000
const CODE_PAGE = 0x20000
const JUMP_CACHE = 0x40000
const LINKS = 0x80000
const eipOf = (region: number) => 0x5000 + 12 * region

const types = (way: Way): Type[] =>
  way.as === 'i32' ? Array(9).fill(I32) : way.as === 'cells' ? Array(4).fill(I32) : [...Array(4).fill(I64), I32]

/** Locals 0-8 as parameters of the next function. */
function give(f: FunctionCode, way: Way, local: (n: number) => number) {
  if (way.as === 'i32') for (let n = 0; n < 9; n++) f.get(local(n))
  else if (way.as === 'cells') {
    for (let n = 3; n < 8; n++) {
      f.i32(0)
      f.get(local(n))
      f.memory(W.I32_STORE, CELL.register + 4 * n, 2)
    }
    for (const n of [0, 1, 2, BUDGET]) f.get(local(n))
  } else {
    for (let n = 0; n < 8; n += 2) {
      f.get(local(n))
      f.op(0xad) // i64.extend_i32_u
      f.get(local(n + 1))
      f.op(0xad)
      f.out.byte(W.I64_CONST)
      f.out.i32(32)
      f.op(0x86) // i64.shl
      f.op(0x84) // i64.or
    }
    f.get(local(BUDGET))
  }
}
/** Parameters to the returned locals 0-8. */
function take(f: FunctionCode, way: Way): (n: number) => number {
  if (way.as === 'i32') return n => n
  const locals = Array.from({ length: 9 }, () => f.allocate(I32))
  if (way.as === 'cells') {
    for (let n = 3; n < 8; n++) {
      f.cell(CELL.register + 4 * n)
      f.set(locals[n]!)
    }
    return n => (n < 3 ? n : n === BUDGET ? 3 : locals[n]!)
  }
  for (let n = 0; n < 8; n += 2) {
    f.get(n / 2)
    f.op(0xa7) // i32.wrap_i64
    f.set(locals[n]!)
    f.get(n / 2)
    f.out.byte(W.I64_CONST)
    f.out.i32(32)
    f.op(0x88) // i64.shr_u
    f.op(0xa7)
    f.set(locals[n + 1]!)
  }
  f.get(4)
  f.set(locals[BUDGET]!)
  return n => locals[n]!
}

interface Core {
  readonly run: (region: number, budget: number) => number
  readonly table: WebAssembly.Table
  readonly chain: WebAssembly.ImportValue
}
/** A core with `run` and `chain`. */
export function makeCore(memory: WebAssembly.Memory, way: Way): Core {
  const m = new ModuleBuilder()
  m.importMemory('memory')
  m.ownTable(4096)
  const given = types(way).map(wasmType)
  const region = m.type(given, [W.TYPE_I32])
  const f = new FunctionCode([...types(way), V128])
  const budget = way.as === 'i32' ? BUDGET : way.as === 'cells' ? 3 : 4
  const [slot, entry, index] = [f.allocate(I32), f.allocate(I32), f.allocate(I32)]
  f.get(budget)
  f.i32(LIMIT)
  f.op(W.I32_GT_S)
  f.cell(CELL.leaving)
  f.op(W.I32_EQZ)
  f.op(W.I32_AND)
  f.openLikely()
  f.cell(CELL.eip)
  f.set(slot)
  emitEntry(f, slot, () => f.cell(CELL.codeTable))
  f.set(entry)
  f.get(slot)
  f.get(slot)
  f.i32(7)
  f.op(W.I32_SHR_U)
  f.op(W.I32_XOR)
  f.i32(4095)
  f.op(W.I32_AND)
  f.i32(3)
  f.op(W.I32_SHL)
  f.tee(slot)
  f.memory(W.I32_LOAD, JUMP_CACHE + 4, 2)
  f.set(index)
  f.get(slot)
  f.memory(W.I32_LOAD, JUMP_CACHE, 2)
  f.get(entry)
  f.op(W.I32_EQ)
  f.openLikely()
  if (way.heat) {
    f.i32(0)
    f.cell(CELL.heat)
    f.i32(1)
    f.op(W.I32_SUB)
    f.tee(slot)
    f.memory(W.I32_STORE, CELL.heat, 2)
    f.get(slot)
    f.i32(0)
    f.op(W.I32_GT_S)
    f.openLikely()
  }
  types(way).forEach((_, n) => {
    f.get(n)
  })
  f.get(index)
  f.op(W.RETURN_CALL_INDIRECT)
  f.out.u32(region)
  f.out.u32(0)
  if (way.heat) f.close()
  f.close()
  f.close()
  f.i32(0)
  f.op(W.END)
  m.function(m.type([...given, W.TYPE_V128], [W.TYPE_I32]), f.locals(), f.out.take(), 'chain', f.hints)

  const g = new FunctionCode([I32, I32])
  const zero = g.allocate(I32)
  give(g, way, n => (n === BUDGET ? 1 : zero))
  g.get(0)
  g.op(W.CALL_INDIRECT)
  g.out.u32(region)
  g.out.u32(0)
  g.op(W.END)
  m.function(m.type([W.TYPE_I32, W.TYPE_I32], [W.TYPE_I32]), g.locals(), g.out.take(), 'run')
  const i32 = new Int32Array(memory.buffer)
  i32[CELL.codeTable >> 2] = CODE_TABLE
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(m.finish()), { m: { memory } })
  const { run, table, chain } = exports as {
    run: Core['run']
    table: WebAssembly.Table
    chain: WebAssembly.ImportValue
  }
  return {
    run: (region, budget) => {
      i32[CELL.heat >> 2] = 0x7fffffff
      return run(region, budget)
    },
    table,
    chain,
  }
}

/** The address of the table entry of the offset in a local. */
function emitEntry(f: FunctionCode, eip: number, codeTable: () => void) {
  f.get(eip)
  f.i32(10)
  f.op(W.I32_SHR_U)
  f.i32(~3)
  f.op(W.I32_AND)
  codeTable()
  f.op(W.I32_ADD)
  f.memory(W.I32_LOAD, 0, 2)
  f.get(eip)
  f.i32(0xfff)
  f.op(W.I32_AND)
  f.i32(2)
  f.op(W.I32_SHL)
  f.op(W.I32_ADD)
}

/** The regions, `size` to a module, where `next` says to which each goes on; all links are made. */
export function makeRegions(
  memory: WebAssembly.Memory,
  core: Core,
  way: Way,
  size: number,
  next: readonly number[],
  salt: number,
): unknown[] {
  const all: unknown[] = []
  const tables: WebAssembly.Table[] = []
  const i32 = new Int32Array(memory.buffer)
  for (let first = 0; first < next.length; first += size) {
    const m = new ModuleBuilder()
    m.importMemory('memory')
    const given = types(way).map(wasmType)
    const region = m.type(given, [W.TYPE_I32])
    const chain = m.importFunction('chain', m.type([...given, W.TYPE_V128], [W.TYPE_I32]))
    if (way.by === 'table') m.ownTable(size)
    for (let n = first; n < first + size; n++) {
      const { code, locals, hints } = emitRegion(way, n, next[n]!, { region, chain, first, salt })
      m.function(region, locals, code, `f${n}`, hints)
    }
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(m.finish()), {
      m: { memory, chain: core.chain },
    })
    for (let n = first; n < first + size; n++) all[n] = exports[`f${n}`]
    tables.push(exports.table as WebAssembly.Table)
  }
  next.forEach((to, from) => {
    if (way.by === 'table') tables[Math.floor(from / size)]!.set(from % size, all[to])
    i32[(LINKS + 8 * from) >> 2] = LIMIT
    const eip = eipOf(to)
    const page = CODE_PAGE + ((eip >>> 12) << 14)
    i32[(CODE_TABLE >> 2) + (eip >>> 12)] = page
    const slot = (JUMP_CACHE >> 2) + (((eip ^ (eip >>> 7)) & 4095) << 1)
    if (i32[slot]) throw new Error('two regions in one slot')
    i32[slot] = page + ((eip & 0xfff) << 2)
    i32[(LINKS + 8 * from + 4) >> 2] = i32[slot]!
    i32[slot + 1] = CORE_REGION + to
  })
  return all
}

function emitRegion(
  way: Way,
  n: number,
  to: number,
  at: { region: number; chain: number; first: number; salt: number },
) {
  const f = new FunctionCode(types(way))
  const local = take(f, way)
  const [eip, code, vector] = [f.allocate(I32), f.allocate(I32), f.allocate(V128)]
  const flags = Array.from({ length: way.flags }, () => f.allocate(I32))
  flags.forEach((flag, i) => {
    f.cell(CELL.flags + 4 * i)
    f.set(flag)
  })
  f.get(local(BUDGET))
  f.i32(15)
  f.op(W.I32_SUB)
  f.set(local(BUDGET))
  // A little work on two registers and the flags, so that none of them is known.
  const [x, y] = [local(n & 7), local((n * 5 + 3) & 7)]
  f.get(x)
  f.get(y)
  f.op(W.I32_ADD)
  f.set(x)
  // The flags that came are looked at in one region of four.
  flags.forEach((flag, i) => {
    f.get(local(i))
    if (n % 4 === i) {
      f.get(flag)
      f.op(W.I32_XOR)
    }
    f.set(flag)
  })
  const storeFlags = () =>
    flags.forEach((flag, i) => {
      f.i32(0)
      f.get(flag)
      f.memory(W.I32_STORE, CELL.flags + 4 * i, 2)
    })
  // V8 compiles modules of the same bytes once.
  f.i32(at.salt)
  f.op(W.DROP)
  f.i32(eipOf(to))
  f.set(eip)
  if (way.by !== 'core') {
    storeFlags()
    f.get(local(BUDGET))
    f.cell(LINKS + 8 * n)
    f.op(W.I32_GT_S)
    if (way.compared) {
      emitEntry(f, eip, () => f.i32(CODE_TABLE))
      f.cell(LINKS + 8 * n + 4)
      f.op(W.I32_EQ)
      f.op(W.I32_AND)
    }
    f.openLikely()
    give(f, way, local)
    if (way.by === 'function') f.returnCall(1 + to - at.first)
    else {
      f.i32(n - at.first)
      f.op(W.RETURN_CALL_INDIRECT)
      f.out.u32(at.region)
      f.out.u32(0)
    }
    f.close()
  }
  for (const [cell, value] of [
    [CELL.eip, eip],
    [CELL.leaving, code],
  ] as const) {
    f.i32(0)
    f.get(value)
    f.memory(W.I32_STORE, cell, 2)
  }
  if (way.by === 'core') storeFlags()
  give(f, way, local)
  f.get(vector)
  f.returnCall(at.chain)
  f.op(W.END)
  return { code: f.out.take(), locals: f.locals(), hints: f.hints }
}
