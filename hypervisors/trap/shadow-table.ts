// One shadow table: the 1024 entries that the processor uses in the place of a guest's page table, of a guest's page
// directory, or of the 4 MiB that a guest maps at once. Beside each entry stands the guest's, as it was when it was filled.

/** What is shadowed. */
export type ShadowKind = 'directory' | 'table' | 'large'

export class ShadowTable {
  /** The guest's entry behind each present one; a large page's table keeps none. */
  readonly source = new Int32Array(1024)
  /** Of a directory: the table that each entry leads to. */
  readonly children: (ShadowTable | undefined)[]
  /** Of a table: the directories that lead to it, each with the number of its entries that do. */
  readonly parents = new Map<ShadowTable, number>()
  /** Writes of the guest reach it only through the monitor. A large page's table needs no tracking. */
  tracked = false
  /** Writes that were emulated since it was last tracked. */
  writes = 0
  /** Of a directory: when it was last loaded. */
  used = 0

  /**
   * @param guestFrame frame of the guest's table; of a large page its first frame
   * @param frame machine frame of the shadow
   */
  constructor(
    readonly kind: ShadowKind,
    readonly guestFrame: number,
    readonly frame: number,
  ) {
    this.children = kind === 'directory' ? new Array<ShadowTable | undefined>(1024).fill(undefined) : []
  }

  /** Machine address of entry n. */
  at(n: number): number {
    return this.frame * 0x1000 + n * 4
  }
}
