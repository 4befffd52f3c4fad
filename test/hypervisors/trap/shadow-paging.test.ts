// Shadow paging against a model that walks the guest's tables: random stores to tables and directories, accesses, CR3
// loads, INVLPG, changes of CR0.WP and CR4.PSE, with so few machine frames that shadows are given up all the time.
// SEED=n repeats a run; the seed of a failure is in its message.

import { DIRECTORIES, GUEST_FRAMES, PAGES, PagedGuest, SLOTS, TABLES } from './paged-guest.js'

const RUNS = 60
const STEPS = 600
const DEVICE_FRAME = 60
const first = Number(process.env.SEED ?? Date.now() % 1_000_000_000)

/** mulberry32. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

function step(guest: PagedGuest, random: (below: number) => number) {
  const pick = <T>(list: readonly T[]) => list[random(list.length)]!
  const flags = () => pick([7, 7, 7, 3, 5, 1, 0x27, 0x67, 0x65, 0x23, 6, 0]) | (random(8) === 0 ? 0x200 : 0)
  const anyPage = () => (random(SLOTS) << 10) | random(PAGES)
  switch (random(14)) {
    case 0:
    case 1: {
      const table = random(10) === 0 ? pick(DIRECTORIES) : pick(TABLES)
      const large = random(6) === 0 ? 0x80 : 0
      return guest.store(pick(DIRECTORIES), random(SLOTS), ((large ? 0 : table) << 12) | large | flags())
    }
    case 2:
    case 3:
    case 4: {
      const frame = random(20) === 0 ? DEVICE_FRAME : random(GUEST_FRAMES)
      return guest.store(pick(TABLES), random(PAGES), (frame << 12) | flags())
    }
    case 5:
      return guest.load({ directory: pick(DIRECTORIES) })
    case 6:
      return guest.invalidate(anyPage())
    case 7:
      if (random(8) !== 0) return guest.load({})
      return guest.load(random(2) === 0 ? { writeProtect: random(2) === 0 } : { largePages: random(2) === 0 })
    case 8:
    case 9:
      return guest.remap(anyPage(), (random(GUEST_FRAMES) << 12) | flags())
    default:
      guest.access(anyPage(), pick([0, 2, 4, 6]))
  }
}

test(`${RUNS} random runs`, () => {
  for (let run = 0; run < RUNS; run++) {
    const seed = first + run
    const random = generator(seed)
    const guest = new PagedGuest()
    for (let n = 0; n < STEPS; n++)
      try {
        step(guest, random)
      } catch (error) {
        throw new Error(`SEED=${seed}, step ${n}: ${(error as Error).message}`)
      }
  }
})
