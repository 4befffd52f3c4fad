// Makes a WebAssembly module of several regions at once (one compilation for all of them is what pays) and gives the
// functions to the core's table.

import type { Procedure } from '../ir/tape.js'
import { VOID } from '../ir/types.js'
import { ModuleBuilder } from '../wasm/module.js'
import { TYPE_I32 } from '../wasm/opcodes.js'
import type { Core } from './core-instance.js'
import { FunctionCode, wasmType } from './function-code.js'
import { hotLoad, hotStore } from './hot-access.js'
import { CHAIN_PARAMETERS, REGION_PARAMETERS } from './hot-links.js'
import { HotLowering } from './hot-lowering.js'
import type { Links } from './links.js'
import type { Region, RegionFinder } from './region.js'

const MODE_USER = 4

/** Imports of a module in the making, numbered as they are asked for. */
class ImportList {
  readonly names: string[] = []
  private readonly numbers = new Map<string, number>()

  function(name: string): number {
    let n = this.numbers.get(name)
    if (n === undefined) {
      n = this.names.length
      this.names.push(name)
      this.numbers.set(name, n)
    }
    return n
  }
}

export class Translator {
  /** Bytes of WebAssembly made so far. */
  bytes = 0

  constructor(
    private readonly core: Core,
    private readonly memory: WebAssembly.Memory,
    private readonly finder: RegionFinder,
    private readonly i32: Int32Array,
    private readonly signatures: ReadonlyMap<string, Pick<Procedure, 'params' | 'result'>>,
    private readonly links: Links,
  ) {}

  /** Translates regions; their functions in the same order, undefined for one of which nothing could be translated. */
  translate(regions: readonly Region[]): unknown[] {
    const imports = new ImportList()
    const exits = this.links.module()
    const m = new ModuleBuilder()
    const type = m.type(REGION_PARAMETERS.map(wasmType), [TYPE_I32])
    const codes = regions.map(region => {
      const f = new FunctionCode(REGION_PARAMETERS)
      const user = (region.page.mode & MODE_USER) !== 0
      return new HotLowering(f, imports, exits, type, this.finder, this.i32, user).region(region) ? f : undefined
    })
    if (!codes.some(f => f)) return codes
    m.importMemory('memory')
    const given: Record<string, unknown> = { memory: this.memory }
    for (const name of imports.names) {
      m.importFunction(name, this.typeOf(m, name))
      given[name] = this.core.exports[name]
    }
    m.ownTable(exits.count + 1)
    codes.forEach((f, i) => {
      if (f) m.function(type, f.locals(), f.out.view(), `f${i}`, f.hints)
    })
    const bytes = m.finish()
    this.bytes += bytes.length
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: given })
    this.links.made(exits, exports.table as WebAssembly.Table)
    return codes.map((_, i) => exports[`f${i}`])
  }

  private typeOf(m: ModuleBuilder, name: string): number {
    const procedure = /^procedure_(.*)$/.exec(name)?.[1]
    if (procedure !== undefined) {
      const { params, result } = this.signatures.get(procedure)!
      return m.type(params.map(wasmType), result === VOID ? [] : [wasmType(result)])
    }
    if (name === 'chain') return m.type(CHAIN_PARAMETERS.map(wasmType), [TYPE_I32])
    const [, kind, digits] = /^(hot_load|hot_load_for_write|hot_store)(\d+)$/.exec(name)!
    const { params, results } = (kind === 'hot_store' ? hotStore : hotLoad)(Number(digits))
    return m.type(params.map(wasmType), results.map(wasmType))
  }
}
