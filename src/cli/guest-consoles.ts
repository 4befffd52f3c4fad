// Consoles of several guests on one stream: whole lines, each behind its guest's name in brackets.

import type { ConsoleSink } from './console.js'

const NEW_LINE = 0x0a

/** The end of one guest on a shared sink. What is written is held back until its line is whole. */
export function namedSink(name: string, sink: ConsoleSink): ConsoleSink {
  const prefix = new TextEncoder().encode(`[${name}] `)
  let line: number[] = []
  const end = () => {
    sink.write(Uint8Array.of(...prefix, ...line))
    line = []
  }
  return {
    write: bytes => {
      for (const byte of bytes) {
        line.push(byte)
        if (byte === NEW_LINE) end()
      }
    },
    close: () => {
      if (line.length === 0) return
      line.push(NEW_LINE)
      end()
    },
  }
}
