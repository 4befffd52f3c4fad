/* What the files of the front end share. The state of the guest's processor is `vcpu`, at its fixed address; an operation
 * works on it and says whether control goes on behind its site. */
#ifndef FRONT_H
#define FRONT_H

#include <stdint.h>
#include "backend.h"
#include "cpu-models.h"
#include "operations.h"
#include "virtual-cpu.h"

#define vcpu (*(volatile struct virtual_cpu *)VIRTUAL_CPU)

#define EAX vcpu.registers[REGISTER_EAX]
#define ECX vcpu.registers[REGISTER_ECX]
#define EDX vcpu.registers[REGISTER_EDX]
#define EBX vcpu.registers[REGISTER_EBX]
#define ESP vcpu.registers[REGISTER_ESP]
#define ESI vcpu.registers[REGISTER_ESI]
#define EDI vcpu.registers[REGISTER_EDI]

#define FLAG_CF 0x1
#define FLAG_ZF 0x40
#define FLAG_TF 0x100
#define FLAG_IF 0x200
#define FLAG_DF 0x400
#define FLAG_OF 0x800
#define FLAG_IOPL 0x3000
#define FLAG_NT 0x4000
#define FLAG_RF 0x10000
#define FLAG_VM 0x20000
#define FLAG_AC 0x40000
#define FLAG_ID 0x200000
#define FLAGS_ARITHMETIC 0x8D5

#define CR0_PE 0x1
#define CR0_MP 0x2
#define CR0_EM 0x4
#define CR0_TS 0x8
#define CR0_ET 0x10
#define CR0_WP 0x10000
#define CR0_PG 0x80000000

#define DE 0
#define DB 1
#define BP 3
#define OF 4
#define UD 6
#define NM 7
#define DF 8
#define TS 10
#define NP 11
#define SS 12
#define GP 13
#define PF 14
#define AC 17

/* Results of an operation: control goes on behind the site, or where vcpu.eip says. */
#define DONE 1
#define MOVED 0

#define KERNEL_START 0x80000000u
#define FRAME_NONE 0xFFFFFFFFu
#define SHADOW_WRITABLE 16

extern const struct cpu_model *cpu_model;
extern struct platform platform;

/* Guest memory by linear address, as the guest kernel. Return 0 when the guest must see the fault below. Each access is one
 * instruction in the table of accesses, with the place to go on at when it fails. */
#define GUEST_ACCESS(instruction) \
    ".Laccess%=: " instruction "\n.pushsection vmm_accesses, \"a\"\n.long .Laccess%=, %l[failed]\n.popsection"
#define GUEST_LOAD(bits, move) \
    static inline int guest_load##bits(uint32_t linear, void *value) { \
        uint32_t loaded; \
        asm goto(GUEST_ACCESS(move " %1, %0") : "=r"(loaded) : "m"(*(const uint##bits##_t *)linear) : "memory" : failed); \
        *(uint##bits##_t *)value = (uint##bits##_t)loaded; \
        return 1; \
    failed: \
        return 0; \
    }
#define GUEST_STORE(bits, move, constraint) \
    static inline int guest_store##bits(uint32_t linear, uint32_t value) { \
        asm goto(GUEST_ACCESS(move " %0, %1") : : constraint((uint##bits##_t)value), "m"(*(uint##bits##_t *)linear) : "memory" : failed); \
        return 1; \
    failed: \
        return 0; \
    }
GUEST_LOAD(8, "movzbl")
GUEST_LOAD(16, "movzwl")
GUEST_LOAD(32, "movl")
GUEST_STORE(8, "movb", "q")
GUEST_STORE(16, "movw", "r")
GUEST_STORE(32, "movl", "r")
extern struct pending_fault {
    uint32_t vector, error, address;
} pending_fault;
int guest_load(uint32_t linear, uint32_t size, void *value);
int guest_store(uint32_t linear, uint32_t size, uint32_t value);

/* entry.S: leaves the VMM for what vcpu says, after all that must happen before. */
void vmm_resume(void) __attribute__((noreturn));
extern const char vmm_exit_start[], vmm_exit_end[], vmm_tail_start[], vmm_tail_end[];
/* direct.S: where its operations look at attention for the last time, up to their RET, which an event sends elsewhere. */
extern const struct tail {
    uint32_t start, ret;
} __start_vmm_tails[], __stop_vmm_tails[];
extern const char direct_interrupted[];
/* What is to be done before the guest goes on: the next deadline may have changed; on the way to user mode, segments have
 * changed, page tables are to be committed, the guest has been asked for a page. Zero where the short ways out may be taken. */
extern uint32_t vmm_work;
#define WORK_TIMER 1
#define WORK_USER 2
#define WORK_COMMIT 4
#define WORK_ASKED 8

/* delivery.c: exceptions and interrupts through the guest's IDT. */
int inject(uint32_t vector, uint32_t error);
int inject_fault(void);
int deliver_software(uint32_t vector);
void deliver_interrupt(uint32_t vector);
uint32_t virtual_flags(void);
void set_virtual_flags(uint32_t value, uint32_t mask);
int push(uint32_t value);
void crash(const char *reason) __attribute__((noreturn));
void print(const char *text);
void print_number(uint32_t value);

/* task.c: a hardware task switch to a TSS. `link`: as by a gate or CALL. Returns 0 when it cannot be done. */
int task_switch(uint32_t selector, int link);

/* segments.c */
struct descriptor {
    uint32_t low, high;
};
/* Reads the descriptor; returns 0 when it lies outside its table or memory faults (pending_fault says). */
int read_descriptor(uint32_t selector, struct descriptor *d);
int load_segment(uint32_t index, uint32_t selector);
void set_segment(uint32_t index, uint32_t selector, const struct descriptor *d);
int check_code(uint32_t selector, uint32_t cpl, struct descriptor *d);
int check_stack(uint32_t selector, uint32_t cpl, struct descriptor *d, uint32_t vector);
/* A null selector. */
void set_null(uint32_t index, uint32_t selector);
uint32_t descriptor_base(const struct descriptor *d);
uint32_t descriptor_limit(const struct descriptor *d);

/* shortcuts.c: what the short ways of direct.S and ring-entry.h compare with before they go on. */
struct seen {
    uint32_t selector, address, low, high;
};
extern struct seen user_code, user_stack, kernel_code, kernel_stack;
/* The selector's descriptor is the one that has been checked. */
int is_seen(const struct seen *s, uint32_t selector, struct descriptor *d);
void shortcuts_start(void);
/* The register's descriptor is this one. */
void note_segment(uint32_t index, uint32_t selector, const struct descriptor *d);
/* User mode was entered with these; INT 0x80 or a page fault of user code went through this gate on these. */
void note_user(uint32_t cs, const struct descriptor *code, uint32_t ss, const struct descriptor *stack);
void note_gate(uint32_t vector, uint32_t gate, uint32_t low, uint32_t high, const struct descriptor *code,
               const struct descriptor *stack, uint32_t esp);
/* A page fault of user code through the gate of the last one. Returns 0, and has done nothing, where it must take the long way. */
int short_fault(const struct pending_fault *f);
/* The tables lie elsewhere. */
void forget_descriptors(void);
/* Selectors that user code may load although they are in no register: looked at on each way to user mode. */
void watch_none(void);
void watch_descriptor(uint32_t selector, const struct descriptor *d);
int watched_changed(void);
/* The selectors that user code was entered with. */
extern uint32_t user_selectors[SEGMENT_GS + 1];

/* operands */
static inline uint32_t operand_address(const struct operand *o) {
    uint32_t address = o->displacement;
    if (o->base != OPERAND_NONE) address += vcpu.registers[o->base];
    if (o->index != OPERAND_NONE) address += vcpu.registers[o->index] << o->scale;
    return address;
}
int operand_read(const struct operand *o, uint32_t size, uint32_t *value);
int operand_write(const struct operand *o, uint32_t size, uint32_t value);
void set_register(uint32_t number, uint32_t size, uint32_t value);
static inline uint32_t operand_size(const struct operand *o) { return o->flags & OPERAND_16 ? 2 : 4; }

/* shadow.c and walk.c: address spaces. */
void shadow_start(void);
void shadow_load(void);
void shadow_flush(void);
void shadow_invalidate(uint32_t linear);
void shadow_reset(void);
/* Fills in `linear` for an access; returns 1, or 0 where the guest must see pending_fault. */
int shadow_fill(uint32_t linear, uint32_t error);
/* User code is about to touch a page that it could not: fills it in where nothing is in the way any longer. */
void shadow_ahead(uint32_t linear, uint32_t error);
/* All of the page is about to be written: a directory that is in use no longer is given up. */
void shadow_recycle(uint32_t linear);
/* Kernel code is about to touch a page of the user half: it is filled in as soon as the guest's tables have it, until
 * the kernel has touched one or goes back to user code. */
void shadow_await(uint32_t linear);
void shadow_await_nothing(void);
/* Fills in all of the kernel half that is there. */
void shadow_fill_kernel(void);
int shadow_is_writable(uint32_t linear);
/* Pages of the kernel half that have been found writable, and still are: numbers, by their low bits. */
extern uint32_t shadow_writable[SHADOW_WRITABLE];
/* The page of the stack that INT 0x80 enters the kernel on, if it is one of these; else 0. */
extern uint32_t entry_page;
/* Before an event's frame is pushed at `esp`: pages of the stack are mapped, writable. Returns the lowest, or 0. */
uint32_t shadow_ensure_stack(uint32_t esp);
/* By slot of the window: the frame that is shown there, plus one. */
extern uint32_t shown[WINDOW_SLOTS];
void window_show(uint32_t slot, uint32_t frame);
static inline void *window(uint32_t frame) {
    uint32_t slot = frame % WINDOW_SLOTS;
    if (shown[slot] != frame + 1) window_show(slot, frame);
    return (void *)(WINDOW_FRAMES + slot * 4096);
}
static inline uint32_t *window_entry(uint32_t frame, uint32_t index) { return (uint32_t *)window(frame) + index; }
int table_store(uint32_t linear, uint32_t value, uint32_t size);
/* The same for a doubleword whose page is known, and gives its old value; else returns 0, and has done nothing. */
int table_exchange(uint32_t linear, uint32_t value, uint32_t *old);
/* An entry of a table is about to be cleared by a plain store. */
void table_clear(uint32_t linear);
/* So many in a row make it let go of the whole table, if as much as this is mapped. */
extern uint32_t held_cleared, held_much;
#define ERROR_PRESENT 1
#define ERROR_WRITE 2
#define ERROR_USER 4

struct walk {
    uint32_t directory, table, frame, slot, index;
    /* Rights of both levels together, dirty as the table entry has it. */
    uint32_t pde, pte;
};
/* Returns 1, or 0 with the error code in pending_fault. */
int guest_walk(uint32_t linear, uint32_t error, struct walk *walk);
static inline int paging(void) { return (vcpu.cr[0] & CR0_PG) != 0; }

/* A page of zeroes from the pool, or null; given back by page_free, which need not clear an empty one. */
void *page_allocate(void);
void page_free(void *page, int empty);
void *pool_take(uint32_t bytes);

/* ports.c: between the guest and its chips. */
void devices_service(uint32_t events);
uint64_t devices_next(void);
uint32_t devices_acknowledge(void);
void ports_start(void);
uint64_t time_now(void);

#endif
