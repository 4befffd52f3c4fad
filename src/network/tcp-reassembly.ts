// Data of a stream that has come before what goes in front of it (RFC 9293, 3.4): kept by its offset in the stream until
// the gap is filled. What overlaps is taken once, from whichever came first.

/** More gaps than this at once are not worth keeping: the sender sends again. */
const PARTS_AT_MOST = 256

export class Reassembly {
  private parts: { offset: number; data: Uint8Array }[] = []

  /** Keeps data for later. */
  keep(offset: number, data: Uint8Array): void {
    if (this.parts.length >= PARTS_AT_MOST) return
    const index = this.parts.findIndex(part => part.offset > offset)
    this.parts.splice(index < 0 ? this.parts.length : index, 0, { offset, data: data.slice() })
  }
  /** Takes the data that begins at or before `offset` and goes on behind it; undefined where there is a gap. */
  take(offset: number): Uint8Array | undefined {
    for (let first = this.parts[0]; first !== undefined && first.offset <= offset; first = this.parts[0]) {
      this.parts.shift()
      if (first.offset + first.data.length > offset) return first.data.subarray(offset - first.offset)
    }
    return undefined
  }
  get isEmpty(): boolean {
    return this.parts.length === 0
  }

  save() {
    return this.parts.map(({ offset, data }) => ({ offset, data: data.slice() }))
  }
  restore(saved: ReturnType<Reassembly['save']>): void {
    this.parts = saved.map(({ offset, data }) => ({ offset, data: data.slice() }))
  }
}
