// Where a guest spends its instructions: one sample every so many that retire, so that the same run gives the same
// profile. Kernel samples are told by symbol, those of programs (CPL 3), whose symbols nobody has, by page.

import { CS, SEG_BASE, segmentCell } from '../cpu/layout.js'
import type { SymbolTable } from '../loader/symbols.js'
import type { Machine } from '../machine/machine.js'

/** Instructions from sample to sample: a prime, so that it does not keep step with loops. */
export const SAMPLE_INSTRUCTIONS = 100_003
const USER = 3
const PAGE_MASK = ~0xfff

export class Profile {
  private readonly kernel = new Map<number, number>()
  private readonly user = new Map<number, number>()
  private samples = 0

  /** Takes a sample: the instruction that the machine executes next. */
  take({ cpu }: Machine) {
    const linear = (cpu.eip + cpu.u32[segmentCell(CS, SEG_BASE) >> 2]!) >>> 0
    const [counts, place] = cpu.cpl === USER ? [this.user, (linear & PAGE_MASK) >>> 0] : [this.kernel, linear]
    counts.set(place, (counts.get(place) ?? 0) + 1)
    this.samples++
  }

  /** The profile as text, a line for each place, the most frequent first. */
  text(symbols: SymbolTable): string {
    const places = new Map<string, number>()
    const add = (place: string, count: number) => places.set(place, (places.get(place) ?? 0) + count)
    for (const [linear, count] of this.kernel) add(`kernel  ${symbols.at(linear)?.name ?? hex(linear)}`, count)
    for (const [page, count] of this.user) add(`user    ${hex(page)}`, count)
    const lines = [...places]
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .map(([place, count]) => `${this.percent(count)} ${String(count).padStart(8)}  ${place}`)
    const inUser = [...this.user.values()].reduce((sum, count) => sum + count, 0)
    const shares = `kernel${this.percent(this.samples - inUser)} %, user${this.percent(inUser)} %`
    const head = `# ${this.samples} samples, one every ${SAMPLE_INSTRUCTIONS} instructions; ${shares}`
    return `${[head, '# per cent, samples, level, symbol or address', ...lines].join('\n')}\n`
  }
  private percent(count: number): string {
    return ((100 * count) / Math.max(1, this.samples)).toFixed(2).padStart(7)
  }
}

const hex = (address: number) => `0x${address.toString(16).padStart(8, '0')}`
