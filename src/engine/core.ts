// Builds the core: one WebAssembly module with the slow paths, all procedures, a handler function for every slot and the
// cold run loop with the commonest slots inlined. Built once, at build time; its bytes are shipped (core-code.ts).

import {
  CHANGES_CODE,
  CODE_MAP,
  FAULT,
  MODE,
  SCRATCH,
  TLB_CODE,
  TLB_READ,
  TLB_VALID,
  TLB_WRITE,
  ZERO,
} from '../cpu/layout.js'
import { HELPER, type Procedure } from '../ir/tape.js'
import { I32, VOID } from '../ir/types.js'
import { FILLED, translateProcedures } from '../semantics/translate-quick.js'
import { ModuleBuilder } from '../wasm/module.js'
import * as W from '../wasm/opcodes.js'
import { type SlowFunctions, typeOfWidth } from './access.js'
import { HandlerLowering, type Linkage, ProcedureLowering } from './cold-lowering.js'
import { emitLoad, emitStore, FunctionCode, wasmType } from './function-code.js'
import { emitHotAccess, hotLoad, hotStore, type Signature } from './hot-access.js'
import { CHAIN_PARAMETERS, emitChain, REGION_PARAMETERS } from './hot-links.js'
import { FIRST_SLOT } from './record.js'
import { RecordContext } from './record-context.js'
import { emitRunLoop } from './run-loop.js'
import { slots, tapeOf } from './slots.js'

const WIDTHS = [1, 2, 4, 8, 16]
/** Table entries kept for translated regions behind the handler functions. */
export const HOT_SLOTS = 16384
const ALIGNMENT_CHECKS = 128

/** What the embedder finds out about the core beside its bytes. */
export interface CoreLayout {
  /** Helpers by import name with their number of arguments. */
  readonly helpers: Readonly<Record<string, number>>
  /** Table index of the first translated region. */
  readonly hotBase: number
}

/** The core's bytes and layout. Deterministic: the same sources give the same bytes. */
export function buildCore(procedures: ReadonlyMap<string, Procedure>): { bytes: Uint8Array; layout: CoreLayout } {
  const m = new ModuleBuilder()
  m.importMemory('memory')
  const helpers = collectHelpers(procedures)
  const i32 = W.TYPE_I32
  const missLoad = m.importFunction('load_miss', m.type([i32, i32, i32], [i32]))
  const missStore = m.importFunction('store_miss', m.type([i32, i32, i32], []))
  const missStoreHot = m.importFunction('store_miss_hot', m.type([i32, i32, i32], []))
  const changeCode = m.importFunction('change_code', m.type([i32, i32], [i32]))
  const link = m.importFunction('link', m.type([], []))
  const helperIndex = new Map<string, number>()
  for (const [name, arity] of helpers)
    helperIndex.set(name, m.importFunction(`helper_${name}`, m.type(Array(arity).fill(i32), [i32])))

  const procedureIndex = new Map<string, number>()
  const addProcedure = (linkage: Linkage, p: Procedure) => {
    const f = new FunctionCode(p.params)
    new ProcedureLowering(f, linkage, p).lower(p.tape)
    const results = p.result === VOID ? [] : [wasmType(p.result)]
    return m.function(m.type(p.params.map(wasmType), results), f.locals(), f.out.take(), `procedure_${p.name}`, f.hints)
  }
  // What slow accesses call comes before them.
  const none: SlowFunctions = { load: new Map(), loadForWrite: new Map(), store: new Map() }
  for (const name of Object.keys(translateProcedures)) {
    const linkage = { slow: none, procedures: procedureIndex, helpers: helperIndex }
    procedureIndex.set(name, addProcedure(linkage, procedures.get(name)!))
  }
  const walk = procedureIndex.get('translate_quick')!

  const slow: SlowFunctions = { load: new Map(), loadForWrite: new Map(), store: new Map() }
  for (const width of WIDTHS) {
    const t = wasmType(typeOfWidth(width))
    const add = (name: string, params: number[], results: number[], f: FunctionCode) =>
      m.function(m.type(params, results), f.locals(), f.out.take(), `${name}${width}`, f.hints)
    ;(slow.load as Map<number, number>).set(width, add('load', [i32], [t], slowLoad(width, false, walk, missLoad)))
    ;(slow.loadForWrite as Map<number, number>).set(
      width,
      add('load_for_write', [i32], [t], slowLoad(width, true, walk, missLoad)),
    )
    ;(slow.store as Map<number, number>).set(
      width,
      add('store', [i32, t], [], slowStore(width, walk, missStore, { written: helperIndex.get('code_written')! })),
    )
    const hot = (name: string, { params, results }: Signature, slow: number) =>
      add(name, params.map(wasmType), results.map(wasmType), emitHotAccess({ params, results }, slow))
    const leaving = add(
      'store_leaving_code',
      [i32, t],
      [],
      slowStore(width, walk, missStoreHot, { change: changeCode }),
    )
    hot('hot_load', hotLoad(width), slow.load.get(width)!)
    hot('hot_load_for_write', hotLoad(width), slow.loadForWrite.get(width)!)
    hot('hot_store', hotStore(width), leaving)
  }

  let next = m.nextFunction()
  const others = [...procedures.values()].filter(p => !procedureIndex.has(p.name))
  for (const p of others) procedureIndex.set(p.name, next++)
  const linkage: Linkage = { slow, procedures: procedureIndex, helpers: helperIndex }
  for (const p of others) addProcedure(linkage, p)

  const context = new RecordContext()
  const handler = m.type([i32], [i32])
  const handlers: number[] = []
  for (const slot of slots) {
    const f = new FunctionCode([I32])
    const lowering = new HandlerLowering(f, linkage)
    lowering.lower(tapeOf(context, slot))
    lowering.finish()
    handlers.push(m.function(handler, f.locals(), f.out.take(), undefined, f.hints))
  }
  const hotBase = FIRST_SLOT + handlers.length
  m.ownTable(hotBase + HOT_SLOTS)
  m.element(FIRST_SLOT, handlers)

  const region = m.type(REGION_PARAMETERS.map(wasmType), [i32])
  const chain = emitChain(region, link, procedureIndex.get('flags_aux')!)
  const chaining = m.type(CHAIN_PARAMETERS.map(wasmType), [i32])
  m.function(chaining, chain.locals(), chain.out.take(), 'chain', chain.hints)
  const loop = emitRunLoop(context, linkage, handler, region)
  m.function(handler, loop.locals(), loop.out.take(), 'run', loop.hints)
  const step = new FunctionCode([I32, I32])
  step.get(0)
  step.get(1)
  step.op(W.CALL_INDIRECT)
  step.out.u32(handler)
  step.out.u32(0)
  step.op(W.END)
  m.function(m.type([i32, i32], [i32]), [], step.out.take(), 'step')
  return { bytes: m.finish(), layout: { helpers: Object.fromEntries(helpers), hotBase } }
}

function collectHelpers(procedures: ReadonlyMap<string, Procedure>): Map<string, number> {
  const found = new Map<string, number>()
  const context = new RecordContext()
  const visit = (tape: {
    length: number
    op: Uint16Array
    imm: Int32Array
    calls: { callee: string; args: readonly number[] }[]
  }) => {
    for (let at = 0; at < tape.length; at++) {
      if (tape.op[at] !== HELPER) continue
      const { callee, args } = tape.calls[tape.imm[at]!]!
      const known = found.get(callee)
      if (known !== undefined && known !== args.length)
        throw new Error(`helper ${callee} is called with ${known} and ${args.length} arguments`)
      found.set(callee, args.length)
    }
  }
  for (const p of procedures.values()) visit(p.tape)
  for (const slot of slots) visit(tapeOf(context, slot))
  return new Map([...found].sort(([x], [y]) => (x < y ? -1 : 1)))
}

/** Puts "the access stays in one page and alignment is not checked" on the stack; the address is local 0. */
function emitInPage(f: FunctionCode, width: number) {
  f.get(0)
  f.i32(0xfff)
  f.op(W.I32_AND)
  f.i32(0x1000 - width + 1)
  f.op(W.I32_LT_U)
  f.cell(MODE)
  f.i32(ALIGNMENT_CHECKS)
  f.op(W.I32_AND)
  f.op(W.I32_EQZ)
  f.op(W.I32_AND)
}
function emitEntry(f: FunctionCode, tableCell: number, entry: number) {
  f.cell(tableCell)
  f.get(0)
  f.i32(10)
  f.op(W.I32_SHR_U)
  f.i32(~3)
  f.op(W.I32_AND)
  f.op(W.I32_ADD)
  f.memory(W.I32_LOAD, 0, 2)
  f.set(entry)
}
function emitLowBitsAre(f: FunctionCode, entry: number, bits: number) {
  f.get(entry)
  f.i32(0xfff)
  f.op(W.I32_AND)
  f.i32(bits)
  f.op(W.I32_EQ)
}

/**
 * Translates the page of an access that is not plain: opens a block that is left with FILLED, the access then being tried
 * again at `again`; ends the function where the access faults.
 */
function emitTranslate(f: FunctionCode, write: boolean, walk: number, again: number, faulted: () => void) {
  const answer = f.allocate(I32)
  f.get(0)
  f.i32(write ? 1 : 0)
  f.call(walk)
  f.tee(answer)
  f.i32(FILLED)
  f.op(W.I32_EQ)
  f.br(again, W.BR_IF)
  f.get(answer)
  f.open(W.IF)
  faulted()
  f.op(W.RETURN)
  f.close()
  f.release(answer)
}

/** load(a): unaligned inside a page, and the usual page walk, here; all else in the embedder. */
function slowLoad(width: number, willWrite: boolean, walk: number, miss: number): FunctionCode {
  const f = new FunctionCode([I32])
  const entry = f.allocate(I32)
  const again = f.open(W.LOOP)
  emitInPage(f, width)
  f.open(W.IF)
  emitEntry(f, willWrite ? TLB_WRITE : TLB_READ, entry)
  if (willWrite) {
    f.get(entry)
    f.i32(~TLB_CODE)
    f.op(W.I32_AND)
    f.set(entry)
  }
  emitLowBitsAre(f, entry, TLB_VALID)
  f.open(W.IF)
  f.get(0)
  f.get(entry)
  f.op(W.I32_ADD)
  emitLoad(f, width, TLB_VALID)
  f.op(W.RETURN)
  f.close()
  emitTranslate(f, willWrite, walk, again, () => {
    f.i32(0)
    emitLoad(f, width, ZERO)
  })
  f.close()
  f.close()
  f.get(0)
  f.i32(width)
  f.i32(willWrite ? 1 : 0)
  f.call(miss)
  if (width > 4) {
    f.op(W.DROP)
    f.i32(0)
    emitLoad(f, width, SCRATCH)
  }
  f.op(W.END)
  return f
}

/**
 * store(a, value): unaligned inside a page, beside translated code, and the usual page walk, here; all else in the embedder.
 * @param onCode the embedder's function that is told of code that has changed; for hot code, which may do that only where
 * nothing is translated, one that is asked before: it leaves the others to the run loop
 */
function slowStore(
  width: number,
  walk: number,
  miss: number,
  onCode: { readonly written: number } | { readonly change: number },
): FunctionCode {
  const f = new FunctionCode([I32, typeOfWidth(width)])
  const entry = f.allocate(I32)
  const plainStore = () => {
    f.get(0)
    f.get(entry)
    f.op(W.I32_ADD)
    f.get(1)
    emitStore(f, width, TLB_VALID)
  }
  const again = f.open(W.LOOP)
  emitInPage(f, width)
  f.open(W.IF)
  emitEntry(f, TLB_WRITE, entry)
  emitLowBitsAre(f, entry, TLB_VALID)
  f.open(W.IF)
  plainStore()
  f.op(W.RETURN)
  f.close()
  emitLowBitsAre(f, entry, TLB_VALID | TLB_CODE)
  f.open(W.IF)
  f.get(entry)
  f.i32(TLB_CODE)
  f.op(W.I32_SUB)
  f.set(entry)
  for (const last of [0, width - 1]) {
    f.get(0)
    f.get(entry)
    f.op(W.I32_ADD)
    f.i32(TLB_VALID + last)
    f.op(W.I32_ADD)
    f.i32(6)
    f.op(W.I32_SHR_U)
    f.memory(W.I32_LOAD8_U, CODE_MAP)
  }
  f.op(W.I32_OR)
  f.op(W.I32_EQZ)
  f.open(W.IF)
  plainStore()
  f.op(W.RETURN)
  f.close()
  const place = () => {
    f.get(0)
    f.get(entry)
    f.op(W.I32_ADD)
    f.i32(TLB_VALID)
    f.op(W.I32_ADD)
    f.i32(width)
  }
  if ('change' in onCode) {
    place()
    f.call(onCode.change)
    f.open(W.IF)
    plainStore()
    f.op(W.RETURN)
    f.close()
    f.i32(0)
    f.i32(CHANGES_CODE)
    f.memory(W.I32_STORE, FAULT, 2)
  } else {
    plainStore()
    place()
    f.call(onCode.written)
    f.op(W.DROP)
  }
  f.op(W.RETURN)
  f.op(W.ELSE)
  emitTranslate(f, true, walk, again, () => undefined)
  f.close()
  f.close()
  f.close()
  if (width > 4) {
    f.i32(0)
    f.get(1)
    emitStore(f, width, SCRATCH)
    f.get(0)
    f.i32(width)
    f.i32(0)
  } else {
    f.get(0)
    f.i32(width)
    f.get(1)
  }
  f.call(miss)
  f.op(W.END)
  return f
}
