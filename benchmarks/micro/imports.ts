// What V8 spends on the functions that a module imports: a wrapper for each signature that JavaScript could provide, in
// every module anew, even where WebAssembly provides them. A vector among the parameters rules that out.
// Usage: node dist/benchmarks/micro/imports.js

import { ModuleBuilder } from '../../src/wasm/module.js'
import * as W from '../../src/wasm/opcodes.js'

const MODULES = 400
const FUNCTIONS = 16
const i32s = (n: number) => Array<number>(n).fill(W.TYPE_I32)
/** Imports of a module of regions: going on, a load and a store. */
const SIGNATURES = [
  [i32s(9), i32s(1)],
  [i32s(2), i32s(2)],
  [i32s(3), i32s(1)],
] as const

function provider(more: number[]): WebAssembly.Exports {
  const m = new ModuleBuilder()
  SIGNATURES.forEach(([params, results], i) => {
    const code = Uint8Array.from([...results.flatMap(() => [W.I32_CONST, 0]), W.END])
    m.function(m.type([...params, ...more], [...results]), [], code, `g${i}`)
  })
  return new WebAssembly.Instance(new WebAssembly.Module(m.finish()), { m: {} }).exports
}
/** A module of small functions that differs from all others. */
function importer(more: number[], number: number): Uint8Array {
  const m = new ModuleBuilder()
  SIGNATURES.forEach(([params, results], i) => {
    m.importFunction(`g${i}`, m.type([...params, ...more], [...results]))
  })
  const type = m.type(i32s(9), i32s(1))
  for (let n = 0; n < FUNCTIONS; n++) {
    const sum = [W.I32_CONST, number & 63, W.I32_CONST, number >> 6, W.I32_ADD, W.I32_CONST, n, W.I32_ADD, W.END]
    m.function(type, [], Uint8Array.from(sum), `f${n}`)
  }
  return m.finish()
}

let number = 0
for (const [name, more] of [
  ['integers', []],
  ['and a vector', [W.TYPE_V128]],
  ['integers', []],
  ['and a vector', [W.TYPE_V128]],
] as const) {
  const given = { m: provider([...more]) }
  const kept: unknown[] = []
  const before = process.cpuUsage()
  for (let n = 0; n < MODULES; n++) {
    // Modules of the same bytes would be compiled once.
    const module = new WebAssembly.Module(importer([...more], number++))
    kept.push(new WebAssembly.Instance(module, given))
  }
  const { user, system } = process.cpuUsage(before)
  console.log(
    `${name.padEnd(13)} ${((user + system) / MODULES).toFixed(0).padStart(5)} us for each of ${kept.length} modules`,
  )
}
