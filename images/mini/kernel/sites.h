/* Stores that a virtual machine monitor wants to know of although no mnemonic gives them away: writes to page tables
 * and to descriptor tables.
 *
 * Under the afterburner (-DAFTERBURN) each names its sensitive class in front of the instruction; otherwise the same
 * instruction stands alone, so that both builds hold the same instruction stream.
 */
#ifndef SITES_H
#define SITES_H

#include <stdint.h>

#ifdef AFTERBURN
#define SITE(class) "afterburn_" class " "
#else
#define SITE(class) ""
#endif

static inline void write_pte(uint32_t *entry, uint32_t value) {
    asm volatile(SITE("pte_write") "movl %1, %0" : "=m"(*entry) : "ri"(value) : "memory");
}

static inline void write_directory_entry(uint32_t *entry, uint32_t value) {
    asm volatile(SITE("directory_write") "movl %1, %0" : "=m"(*entry) : "ri"(value) : "memory");
}

/* Makes a page read-only; the rest of its entry stays as it is. */
static inline void write_protect_pte(uint32_t *entry) {
    asm volatile(SITE("pte_write_protect") "btrl $1, %0" : "+m"(*entry)::"memory", "cc");
}

/* Clears the accessed bit and says whether it was set. */
static inline int clear_accessed(uint32_t *entry) {
    int was_set;
    asm volatile(SITE("pte_clear_accessed") "btrl $5, %0" : "+m"(*entry), "=@ccc"(was_set)::"memory");
    return was_set;
}

static inline void copy_directory(uint32_t *to, const uint32_t *from, uint32_t count) {
    asm volatile(SITE("directory_copy") "rep movsl" : "+D"(to), "+S"(from), "+c"(count)::"memory");
}

static inline void write_gdt_word(uint32_t *word, uint32_t value) {
    asm volatile(SITE("gdt_write") "movl %1, %0" : "=m"(*word) : "ri"(value) : "memory");
}

static inline void write_tls_word(uint32_t *word, uint32_t value) {
    asm volatile(SITE("tls_write") "movl %1, %0" : "=m"(*word) : "ri"(value) : "memory");
}

static inline void write_system_descriptor_word(uint32_t *word, uint32_t value) {
    asm volatile(SITE("system_descriptor_write") "movl %1, %0" : "=m"(*word) : "ri"(value) : "memory");
}

static inline void write_ldt_word(uint32_t *word, uint32_t value) {
    asm volatile(SITE("ldt_write") "movl %1, %0" : "=m"(*word) : "ri"(value) : "memory");
}

static inline void write_idt_word(uint32_t *word, uint32_t value) {
    asm volatile(SITE("idt_write") "movl %1, %0" : "=m"(*word) : "ri"(value) : "memory");
}

#endif
