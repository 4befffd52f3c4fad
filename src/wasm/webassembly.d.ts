// The part of the WebAssembly JavaScript interface (W3C, version 2) that previrt uses; Node has it, its types do not.

declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number })
    readonly buffer: ArrayBuffer
  }
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Table {
    get(index: number): unknown
    set(index: number, value: unknown): void
    readonly length: number
  }
  type Exports = Record<string, unknown>
  type ImportValue = unknown
  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, ImportValue>>)
    readonly exports: Exports
  }
  function validate(bytes: Uint8Array): boolean
}
