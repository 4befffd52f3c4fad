// Where the guest's source stores to tables that the processor reads by itself: page tables and descriptor tables.
// The compiler names the source line of each instruction in a comment (gcc -fverbose-asm, which changes no code), so
// these stores are found wherever they are inlined, in an unedited tree. Line numbers play no part: a line is known
// by its text. Names are those of Linux 6.1, arch/x86.

/** A source line whose stores to memory belong to a class. */
export interface StoreLine {
  /** End of the source file's path. */
  readonly file: string
  /** The line, without blanks at its start. */
  readonly line: string
  /** Name of the sensitive class. */
  readonly class: string
}

/** An instruction of inline assembly that belongs to a class in one object file. */
export interface StoreInstruction {
  /** Path of the object file in the build. */
  readonly object: string
  /** Start of the statement, one blank behind the mnemonic. */
  readonly statement: string
  readonly class: string
}

export const STORE_LINES: readonly StoreLine[] = [
  { file: 'asm/pgtable-2level.h', line: '*ptep = pte;', class: 'pte_write' },
  { file: 'asm/pgtable-2level.h', line: '*xp = native_make_pte(0);', class: 'pte_write' },
  { file: 'asm/pgtable-2level.h', line: '*pmdp = pmd;', class: 'directory_write' },
  { file: 'asm/pgtable.h', line: 'memcpy(dst, src, count * sizeof(pgd_t));', class: 'directory_copy' },
  { file: 'asm/desc.h', line: 'memcpy(&idt[entry], gate, sizeof(*gate));', class: 'idt_write' },
  { file: 'asm/desc.h', line: 'memcpy(&ldt[entry], desc, 8);', class: 'ldt_write' },
  { file: 'asm/desc.h', line: 'memcpy(&gdt[entry], desc, size);', class: 'gdt_write' },
  { file: 'asm/desc.h', line: 'gdt[GDT_ENTRY_TLS_MIN + i] = t->tls_array[i];', class: 'tls_write' },
]

export const STORE_INSTRUCTIONS: readonly StoreInstruction[] = [
  // ptep_set_wrprotect, by clear_bit of _PAGE_BIT_RW.
  { object: 'mm/memory.o', statement: 'andb $-3,(', class: 'pte_write_protect' },
  { object: 'mm/memory.o', statement: 'andb $-3,0(', class: 'pte_write_protect' },
  // ptep_test_and_clear_young, by test_and_clear_bit of _PAGE_BIT_ACCESSED.
  { object: 'arch/x86/mm/pgtable.o', statement: 'btrl $5,', class: 'pte_clear_accessed' },
]
