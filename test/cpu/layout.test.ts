// Two cells of the CPU's state must never have one address: nothing else would notice where that is seldom harmful.
import * as layout from '../../src/cpu/layout.js'

const { GPR, TLB_VALID, STATE_END: _, ...others } = layout

test('every cell has an address of its own', () => {
  const cells = Object.entries({ GPR, ...others }).filter(
    ([, at]) => typeof at === 'number' && at >= GPR && at < TLB_VALID,
  )
  expect(cells.length).toBeGreaterThan(60)
  const names = new Map<unknown, string>()
  for (const [name, at] of cells) {
    expect(`${names.get(at) ?? name} at ${at}`).toBe(`${name} at ${at}`)
    names.set(at, name)
  }
})
