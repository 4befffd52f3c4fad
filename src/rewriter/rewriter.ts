// Rewrites the sites of a guest in live memory, puts them back, and proves both. A site is touched only if its bytes are
// one of its two states; otherwise it is gone (freed init memory, changed text), left alone and counted.
import type { MemoryView } from '../loader/entry.js'
import type { PlannedText, RewritePlan } from './plan.js'

/** What became of the sites. */
export interface RewriteOutcome {
  /** Sites whose bytes were changed. */
  readonly changed: number
  /** Sites that were in the wanted state already. */
  readonly unchanged: number
  /** Linear addresses of the sites that are no longer there. */
  readonly gone: readonly number[]
}

/** Thrown by verification: memory is not as it must be after rewriting. Names the linear address of the first difference. */
export class RewriteError extends Error {
  readonly address: number

  constructor(address: number, reason: string) {
    super(`0x${(address >>> 0).toString(16).padStart(8, '0')}: ${reason}`)
    this.name = 'RewriteError'
    this.address = address
  }
}

/** Which of its two states a site is to be in. */
export type SiteState = 'pristine' | 'rewritten'

/** Whether the site of these bytes is in the state that `image` has, which holds the same text. */
function holds(text: Uint8Array, at: number, image: Uint8Array, bytes: number): boolean {
  for (let i = at; i < at + bytes; i++) if (text[i] !== image[i]) return false
  return true
}

const other = (state: SiteState): SiteState => (state === 'pristine' ? 'rewritten' : 'pristine')

/** Text that is wholly in the other state is taken as a whole, other text site by site. */
function change(memory: MemoryView, text: PlannedText, state: SiteState, gone: number[]): [number, number] {
  const before = memory.read(text.physical, text.bytes)
  if (Buffer.compare(before, text[other(state)]) === 0) {
    write(memory, text, text[state], text.range)
    return [text.count, 0]
  }
  const wanted = new Uint8Array(before)
  let [changed, unchanged] = [0, 0]
  let [start, end] = [text.bytes, 0]
  for (const site of text.sites) {
    const at = site.address - text.linear
    if (holds(before, at, text[state], site.bytes)) unchanged++
    else if (holds(before, at, text[other(state)], site.bytes)) {
      wanted.set(text[state].subarray(at, at + site.bytes), at)
      changed++
      start = Math.min(start, at)
      end = at + site.bytes
    } else gone.push(site.address)
  }
  write(memory, text, wanted, [start, end])
  return [changed, unchanged]
}

/** Writes the part of the text that changes, and verifies all of it. */
function write(memory: MemoryView, text: PlannedText, wanted: Uint8Array, [start, end]: readonly [number, number]) {
  if (start < end) memory.write(text.physical + start, wanted.subarray(start, end))
  verify(text, memory.read(text.physical, text.bytes), wanted)
}

/** Every site that is there is in its new state, and every other byte is what it was. */
function verify(text: PlannedText, after: Uint8Array, wanted: Uint8Array): void {
  if (Buffer.compare(after, wanted) === 0) return
  const address = text.linear + after.findIndex((byte, at) => byte !== wanted[at])
  const inside = text.sites.some(site => address >= site.address && address < site.address + site.bytes)
  throw new RewriteError(address, inside ? 'a site is not what was written' : 'a byte outside all sites has changed')
}

function changeAll(memory: MemoryView, plan: RewritePlan, state: SiteState): RewriteOutcome {
  const gone: number[] = []
  let [changed, unchanged] = [0, 0]
  for (const text of plan.text) {
    const [here, there] = change(memory, text, state, gone)
    changed += here
    unchanged += there
  }
  return { changed, unchanged, gone }
}

/**
 * Redirects every site that is there, and verifies the text that holds it.
 * @param memory guest-physical memory with the guest in it
 * @throws RewriteError when memory does not hold afterwards what was written
 */
export function rewrite(memory: MemoryView, plan: RewritePlan): RewriteOutcome {
  return changeAll(memory, plan, 'rewritten')
}

/** Puts back every site that is rewritten: the text is then byte for byte what it would be without rewriting. */
export function undo(memory: MemoryView, plan: RewritePlan): RewriteOutcome {
  return changeAll(memory, plan, 'pristine')
}

/** How many sites are pristine, rewritten and gone. */
export function countSites(memory: MemoryView, plan: RewritePlan): Record<SiteState | 'gone', number> {
  const counts = { pristine: 0, rewritten: 0, gone: 0 }
  for (const { linear, physical, bytes, sites, pristine, rewritten } of plan.text) {
    const text = memory.read(physical, bytes)
    for (const site of sites) {
      const at = site.address - linear
      const isPristine = holds(text, at, pristine, site.bytes)
      counts[isPristine ? 'pristine' : holds(text, at, rewritten, site.bytes) ? 'rewritten' : 'gone']++
    }
  }
  return counts
}
