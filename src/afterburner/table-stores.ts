// Where the guest's source stores to tables that the processor reads by itself: page tables and descriptor tables.
// The compiler names the source line of each instruction in a comment (gcc -fverbose-asm, which changes no code), so
// these stores are found wherever they are inlined, in an unedited tree. Line numbers play no part: a line is known
// by its text. The line may be the one that makes the entry rather than the one that stores it, where the compiler has
// joined the two. A store too many is harmless: it is carried out as it stands. Names are those of Linux 6.1, arch/x86.

/** A source line whose stores to memory belong to a class. */
export interface StoreLine {
  /** End of the source file's path; empty for every file. */
  readonly file: string
  /** Part of the line. */
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
  { file: '', line: 'set_pte(', class: 'pte_write' },
  { file: '', line: 'set_pte_at(', class: 'pte_write' },
  { file: '', line: 'pte_clear(', class: 'pte_write' },
  { file: '', line: 'set_pmd(', class: 'directory_write' },
  { file: '', line: 'pmd_clear(', class: 'directory_write' },
  { file: 'asm/pgtable.h', line: 'native_make_pte(', class: 'pte_write' },
  { file: 'asm/pgtable.h', line: 'return __pte(', class: 'pte_write' },
  { file: 'asm/pgtable.h', line: 'native_make_pmd(', class: 'directory_write' },
  { file: 'asm/pgtable.h', line: 'return __pmd(', class: 'directory_write' },
  { file: 'asm/pgtable.h', line: 'native_make_pud(', class: 'directory_write' },
  { file: 'asm/pgtable_types.h', line: '(pte_t) {', class: 'pte_write' },
  { file: 'asm/pgtable_types.h', line: '(pmd_t) {', class: 'directory_write' },
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
