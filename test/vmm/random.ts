// A small generator of 32-bit numbers (xorshift), so that a seed repeats a run.
export function random(seed: number): () => number {
  let state = (seed * 2654435761) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
