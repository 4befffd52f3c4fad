// Assembles a WebAssembly module: types, imports, functions, one owned table, exports, elements, code (core spec. 5.5).

import { Writer } from './writer.js'

export const TYPE_FUNCREF = 0x70

interface Import {
  readonly name: string
  readonly kind: 'func' | 'memory' | 'table'
  readonly type: number
}
interface Body {
  readonly type: number
  readonly locals: readonly (readonly [count: number, type: number])[]
  readonly code: Uint8Array
  readonly exported: string | undefined
  readonly hints: readonly number[]
}

/** Collects the parts of a module; imports come from one namespace `m`. Function indices: imports first, then bodies. */
export class ModuleBuilder {
  private readonly types = new Map<string, number>()
  private readonly signatures: [params: number[], results: number[]][] = []
  private readonly imports: Import[] = []
  private readonly bodies: Body[] = []
  private tableSize = 0
  private readonly elements: { offset: number; functions: number[] }[] = []
  private functionImports = 0

  type(params: number[], results: number[]): number {
    const key = `${params}:${results}`
    let n = this.types.get(key)
    if (n === undefined) {
      n = this.signatures.length
      this.signatures.push([params, results])
      this.types.set(key, n)
    }
    return n
  }
  importMemory(name: string) {
    this.imports.push({ name, kind: 'memory', type: 0 })
  }
  importTable(name: string) {
    this.imports.push({ name, kind: 'table', type: 0 })
  }
  importFunction(name: string, type: number): number {
    if (this.bodies.length) throw new Error('imports come before functions')
    this.imports.push({ name, kind: 'func', type })
    return this.functionImports++
  }
  /**
   * Adds a function; `code` has its END. Returns its index.
   * @param hints offsets in `code` of branches, each followed by 1 when it is likely to be taken and by 0 when it is not
   */
  function(
    type: number,
    locals: Body['locals'],
    code: Uint8Array,
    exported?: string,
    hints: readonly number[] = [],
  ): number {
    this.bodies.push({ type, locals, code, exported, hints })
    return this.functionImports + this.bodies.length - 1
  }
  /** The index the next function will get. */
  nextFunction(): number {
    return this.functionImports + this.bodies.length
  }
  /** The module owns a table of this many entries, exported as `table`. */
  ownTable(entries: number) {
    this.tableSize = entries
  }
  element(offset: number, functions: number[]) {
    this.elements.push({ offset, functions })
  }

  finish(): Uint8Array {
    const out = new Writer(4096)
    out.append(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))
    const section = (id: number, fill: (w: Writer) => void) => {
      const w = new Writer(256)
      fill(w)
      out.byte(id)
      out.u32(w.length)
      out.append(w.view())
    }
    const list = (w: Writer, items: number[]) => {
      w.u32(items.length)
      for (const item of items) w.byte(item)
    }
    section(1, w => {
      w.u32(this.signatures.length)
      for (const [params, results] of this.signatures) {
        w.byte(0x60)
        list(w, params)
        list(w, results)
      }
    })
    section(2, w => {
      w.u32(this.imports.length)
      for (const { name, kind, type } of this.imports) {
        w.name('m')
        w.name(name)
        if (kind === 'func') {
          w.byte(0)
          w.u32(type)
        } else if (kind === 'table') {
          w.byte(1)
          w.byte(TYPE_FUNCREF)
          w.byte(0)
          w.u32(0)
        } else {
          w.byte(2)
          w.byte(0)
          w.u32(1)
        }
      }
    })
    section(3, w => {
      w.u32(this.bodies.length)
      for (const b of this.bodies) w.u32(b.type)
    })
    if (this.tableSize)
      section(4, w => {
        w.u32(1)
        w.byte(TYPE_FUNCREF)
        w.byte(0)
        w.u32(this.tableSize)
      })
    section(7, w => {
      const exported = this.bodies.flatMap((b, i) =>
        b.exported ? [[b.exported, this.functionImports + i] as const] : [],
      )
      w.u32(exported.length + (this.tableSize ? 1 : 0))
      if (this.tableSize) {
        w.name('table')
        w.byte(1)
        w.u32(0)
      }
      for (const [name, index] of exported) {
        w.name(name)
        w.byte(0)
        w.u32(index)
      }
    })
    if (this.elements.length)
      section(9, w => {
        w.u32(this.elements.length)
        for (const { offset, functions } of this.elements) {
          w.byte(0)
          w.byte(0x41)
          w.i32(offset)
          w.byte(0x0b)
          w.u32(functions.length)
          for (const f of functions) w.u32(f)
        }
      })
    const heads = this.bodies.map(b => {
      const head = new Writer(32)
      head.u32(b.locals.length)
      for (const [count, type] of b.locals) {
        head.u32(count)
        head.byte(type)
      }
      return head
    })
    if (this.bodies.some(b => b.hints.length)) section(0, w => this.branchHints(w, heads))
    section(10, w => {
      w.u32(this.bodies.length)
      this.bodies.forEach((b, i) => {
        w.u32(heads[i]!.length + b.code.length)
        w.append(heads[i]!.view())
        w.append(b.code)
      })
    })
    return out.take()
  }
  /** Which branches are likely: WebAssembly's branch hinting proposal. Engines that do not know the section skip it. */
  private branchHints(w: Writer, heads: readonly Writer[]) {
    w.name('metadata.code.branch_hint')
    w.u32(this.bodies.filter(b => b.hints.length).length)
    this.bodies.forEach(({ hints }, i) => {
      if (!hints.length) return
      w.u32(this.functionImports + i)
      w.u32(hints.length / 2)
      for (let n = 0; n < hints.length; n += 2) {
        w.u32(heads[i]!.length + hints[n]!)
        w.u32(1)
        w.byte(hints[n + 1]!)
      }
    })
  }
}
