// The disassembly of one function of an annotated image, its sites marked: `>` before an instruction that a site
// holds, `.` before its padding.
import { disassembleLinear, instructionText } from '../../isa/disassemble.js'
import { LoadError } from '../../loader/load-error.js'
import { openAnnotated, siteAtOrBelow } from './image.js'
import { cutImage } from './pieces.js'

const hex = (value: number) => (value >>> 0).toString(16).padStart(8, '0')

/**
 * Text of the function's disassembly, without a newline at its end.
 * @throws LoadError for an unusable image and for a name that is no symbol of its code
 */
export function listFunction(file: string, bytes: Uint8Array, symbol: string): string {
  const image = openAnnotated(file, bytes)
  const wanted = new Set(image.symbols.filter(each => each.name === symbol).map(each => each.address))
  const pieces = cutImage(image).filter(piece => wanted.has(piece.start))
  if (pieces.length === 0) {
    throw new LoadError({ file, reason: `no code has the name ${symbol}`, remedy: 'give a name of its symbol table' })
  }
  const lines: string[] = []
  for (const piece of pieces) {
    lines.push(`${hex(piece.start)} <${symbol}>:`)
    disassembleLinear(piece.bytes, piece.start, ({ address, length, invalid }) => {
      const code = piece.bytes.subarray(address - piece.start, address - piece.start + length)
      const site = image.sites[siteAtOrBelow(image.sites, address)]
      const inside = site !== undefined && address < site.address + site.bytes
      const isPadding = inside && address >= site.address + site.instructionBytes
      const mark = isPadding ? '.' : inside ? '>' : ' '
      const name = inside && address === site.address ? `  ; ${site.class.name}, ${site.bytes} bytes` : ''
      const text = invalid ? '(bad)' : instructionText(code, address)
      lines.push(`${mark} ${hex(address)}  ${Buffer.from(code).toString('hex').padEnd(22)} ${text}${name}`)
    })
  }
  return lines.join('\n')
}
