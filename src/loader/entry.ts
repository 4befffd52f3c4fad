// What a loader hands to the machine: the CPU state at the guest's first instruction, as plain data.
// Descriptors are given in full (hidden parts too), so that the machine need not read the GDT to apply them.
// Segment rights follow the SDM's descriptor (Vol. 3, 3.4.5): byte 5 in bits 0-7, AVL, D/B, G in bits 12, 14, 15.

/** Physical memory as a loader sees it. Addresses and lengths are in bytes; `size` is the end of RAM. */
export interface MemoryView {
  /** Returns a copy of `bytes` bytes at a physical address below `size`. */
  read(address: number, bytes: number): Uint8Array
  /** Writes `data` at a physical address; all of it lies below `size`. */
  write(address: number, data: Uint8Array): void
  readonly size: number
}

/** A file that was read, with the name that errors show. */
export interface LoadedFile {
  readonly file: string
  readonly bytes: Uint8Array
}

/** A segment register with its hidden part. `limit` is the effective limit in bytes. */
export interface EntrySegment {
  readonly selector: number
  readonly base: number
  readonly limit: number
  readonly rights: number
}

/** A descriptor-table register: linear base and limit in bytes minus one. */
export interface EntryTable {
  readonly base: number
  readonly limit: number
}

/** The eight general registers. */
export interface EntryRegisters {
  readonly eax: number
  readonly ecx: number
  readonly edx: number
  readonly ebx: number
  readonly esp: number
  readonly ebp: number
  readonly esi: number
  readonly edi: number
}

/** The state of the CPU at the guest's first instruction. Everything not named has its reset value. */
export interface EntryState {
  readonly protectedMode: boolean
  readonly cr0: number
  readonly eip: number
  readonly eflags: number
  readonly registers: EntryRegisters
  readonly segments: Readonly<Record<'cs' | 'ds' | 'es' | 'fs' | 'gs' | 'ss', EntrySegment>>
  readonly gdtr: EntryTable
  readonly idtr: EntryTable
}

const EFLAGS_FIXED = 0x2
const CR0_PE = 0x1
const CR0_ET = 0x10

const FLAT_CODE_RIGHTS = 0xc09b
const FLAT_DATA_RIGHTS = 0xc093
const NO_REGISTERS: EntryRegisters = { eax: 0, ecx: 0, edx: 0, ebx: 0, esp: 0, ebp: 0, esi: 0, edi: 0 }

/** What a flat 32-bit entry leaves to choose. Selectors name descriptors of `flatGdt` in the table at `gdt`. */
export interface FlatEntry {
  readonly eip: number
  readonly registers: Partial<EntryRegisters>
  readonly codeSelector: number
  readonly dataSelector: number
  readonly gdt: EntryTable
}

/** Protected mode, paging off, interrupts off, all six segments flat 4 GiB at ring 0. */
export function flatEntry(entry: FlatEntry): EntryState {
  const code = { selector: entry.codeSelector, base: 0, limit: 0xffffffff, rights: FLAT_CODE_RIGHTS }
  const data = { selector: entry.dataSelector, base: 0, limit: 0xffffffff, rights: FLAT_DATA_RIGHTS }
  return {
    protectedMode: true,
    cr0: CR0_PE | CR0_ET,
    eip: entry.eip,
    eflags: EFLAGS_FIXED,
    registers: { ...NO_REGISTERS, ...entry.registers },
    segments: { cs: code, ds: data, es: data, fs: data, gs: data, ss: data },
    gdtr: entry.gdt,
    idtr: { base: 0, limit: 0 },
  }
}

/** The bytes of a GDT with flat code and data descriptors at the given selectors and null elsewhere. */
export function flatGdt(codeSelector: number, dataSelector: number): Uint8Array {
  const table = new Uint8Array(Math.max(codeSelector, dataSelector) + 8)
  table.set([0xff, 0xff, 0, 0, 0, FLAT_CODE_RIGHTS & 0xff, 0xcf, 0], codeSelector)
  table.set([0xff, 0xff, 0, 0, 0, FLAT_DATA_RIGHTS & 0xff, 0xcf, 0], dataSelector)
  return table
}

/** CR0 after reset: CD, NW and ET (SDM Vol. 3, table 9-1). */
const CR0_RESET = 0x60000010

/** The state after RESET (SDM Vol. 3, table 9-1): real mode, CS base 0xFFFF0000, EIP 0xFFF0. `signature` goes to EDX. */
export function resetEntry(signature: number): EntryState {
  const data = { selector: 0, base: 0, limit: 0xffff, rights: 0x93 }
  return {
    protectedMode: false,
    cr0: CR0_RESET,
    eip: 0xfff0,
    eflags: EFLAGS_FIXED,
    registers: { ...NO_REGISTERS, edx: signature },
    segments: {
      cs: { selector: 0xf000, base: 0xffff0000, limit: 0xffff, rights: 0x9b },
      ds: data,
      es: data,
      fs: data,
      gs: data,
      ss: data,
    },
    gdtr: { base: 0, limit: 0xffff },
    idtr: { base: 0, limit: 0xffff },
  }
}
