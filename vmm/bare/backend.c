/* The back end for a machine without a hypervisor: real page tables, real timer, real console, all in ring 0. It exists so
 * that sites, virtual frames, shadow spaces and delivery run on a real guest without any hypervisor; not isolated, not fast.
 */
#include "backend.h"
#include "bare.h"
#define RING_DATA BARE_DS
#define RING_HIDING BARE_HIDING
#include "ring-hiding.h"

#define vcpu (*(volatile struct virtual_cpu *)VIRTUAL_CPU)
#define KERNEL_SLOT 512
#define WINDOW_SLOT (WINDOW_START >> 22)
#define PIT_HZ 1193182u
#define TABLE_FLAGS 0x67
#define PAGE_FLAGS 0x61

extern const uint8_t bare_stubs[], bare_stub_80[];
extern uint8_t vmm_image_end[], vmm_stack_top[];
void bare_load_tables(const void *gdt, const void *idt);

static struct bare_boot boot;
static uint32_t *directories[SPACE_LIMIT], *kernel_tables[WINDOW_SLOT - KERNEL_SLOT];
static uint32_t free_list, pool_next, pool_end, void_frame, current, flush;

static inline void out8(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline void out16(uint16_t port, uint16_t value) { asm volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static uint32_t machine_frame(const void *window) {
    return boot.window_frame + (((uint32_t)window - WINDOW_START) >> 12);
}

static uint32_t *take_page(void) {
    uint32_t *page = (uint32_t *)free_list;
    if (page) {
        free_list = page[0];
        page[0] = 0;
    } else if (pool_next + 4096 <= pool_end) {
        page = (uint32_t *)pool_next;
        pool_next += 4096;
    }
    return page;
}

static void give_page(uint32_t *page) {
    for (uint32_t i = 0; i < 1024; i++) page[i] = 0;
    page[0] = free_list;
    free_list = (uint32_t)page;
}

void backend_window(uint32_t slot, uint32_t frame) {
    uint32_t linear = WINDOW_FRAMES + slot * 4096;
    ((uint32_t *)boot.frame_tables)[slot] = (frame < boot.guest_frames ? frame : void_frame) << 12 | PAGE_FLAGS | 2;
    asm volatile("invlpg (%0)" ::"r"(linear) : "memory");
}
void backend_window_ahead(uint32_t slot, uint32_t frame) { backend_window(slot, frame); }

int backend_space_create(uint32_t space) {
    uint32_t *directory = take_page();
    if (!directory) return 0;
    for (uint32_t i = 0; i < WINDOW_SLOT - KERNEL_SLOT; i++)
        directory[KERNEL_SLOT + i] = kernel_tables[i] ? machine_frame(kernel_tables[i]) << 12 | TABLE_FLAGS : 0;
    for (uint32_t i = WINDOW_SLOT; i < 1024; i++) directory[i] = ((uint32_t *)boot.directory)[i];
    directories[space] = directory;
    return 1;
}

static uint32_t *table_at(const uint32_t *directory, uint32_t slot) {
    if (slot >= KERNEL_SLOT) return kernel_tables[slot - KERNEL_SLOT];
    return directory[slot] & 1 ? (uint32_t *)(WINDOW_START + (((directory[slot] >> 12) - boot.window_frame) << 12)) : 0;
}

void backend_unmap_slot(uint32_t space, uint32_t slot, int empty) {
    (void)empty;
    uint32_t *table = table_at(directories[space], slot);
    if (!table) return;
    if (slot >= KERNEL_SLOT) {
        kernel_tables[slot - KERNEL_SLOT] = 0;
        for (uint32_t i = 1; i < SPACE_LIMIT; i++)
            if (directories[i]) directories[i][slot] = 0;
    } else {
        directories[space][slot] = 0;
    }
    flush = 1;
    backend_commit();
    give_page(table);
}

void backend_space_destroy(uint32_t space) {
    uint32_t *directory = directories[space];
    for (uint32_t slot = 0; slot < KERNEL_SLOT; slot++) backend_unmap_slot(space, slot, 0);
    directories[space] = 0;
    give_page(directory);
}

void backend_space_switch(uint32_t space) {
    current = space;
    flush = 1;
    backend_commit();
}

int backend_map(uint32_t space, uint32_t linear, uint32_t frame, uint32_t rights) {
    uint32_t slot = linear >> 22, *table = table_at(directories[space], slot), *entry;
    if (!table) {
        table = take_page();
        if (!table) return 0;
        if (slot >= KERNEL_SLOT) {
            kernel_tables[slot - KERNEL_SLOT] = table;
            for (uint32_t i = 1; i < SPACE_LIMIT; i++)
                if (directories[i]) directories[i][slot] = machine_frame(table) << 12 | TABLE_FLAGS;
        } else {
            directories[space][slot] = machine_frame(table) << 12 | TABLE_FLAGS;
        }
    }
    entry = &table[linear >> 12 & 1023];
    if (*entry) flush = 1;
    *entry = (frame < boot.guest_frames ? frame : void_frame) << 12 | PAGE_FLAGS | (rights & MAP_WRITE ? 2 : 0) |
             (rights & MAP_USER ? 4 : 0);
    return 1;
}

int backend_map_run(uint32_t space, uint32_t linear, const uint32_t *entries, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (entries[i] && !backend_map(space, linear + (i << 12), entries[i] >> 12, entries[i])) return 0;
    return 1;
}

int backend_map_slot(uint32_t space, uint32_t linear, const uint32_t *entries, uint32_t why) {
    for (uint32_t i = 0; i < 1024; i++)
        if (entries[i] && !backend_map(space, linear + (i << 12), entries[i] >> 12, (entries[i] & (MAP_WRITE | MAP_USER)) | why)) return 0;
    return 1;
}

void backend_unmap(uint32_t space, uint32_t linear) {
    uint32_t *table = table_at(directories[space], linear >> 22);
    if (table) table[linear >> 12 & 1023] = 0;
    flush = 1;
}

void backend_commit_later(void) {
    if (flush) ring_hide();
}

void backend_commit(void) {
    ring_show();
    if (!flush) return;
    flush = 0;
    asm volatile("movl %0, %%cr3" ::"r"(machine_frame(directories[current]) << 12) : "memory");
}

static uint32_t gdt[BARE_GDT_ENTRIES][2], ldt[64][2], idt[256][2];
static uint32_t tss[26];

int backend_user_descriptor(uint32_t selector, uint32_t low, uint32_t high) {
    uint32_t index = selector >> 3, *entry;
    if (selector & 4 ? index >= 64 : index >= BARE_HIDING >> 3) return 0;
    entry = selector & 4 ? ldt[index] : gdt[index];
    if (entry[0] == low && entry[1] == high) return 0;
    entry[0] = low;
    entry[1] = high;
    return 1;
}

void backend_fpu_switched(int switched) {
    if (switched) asm volatile("movl %%cr0, %%eax; orl $8, %%eax; movl %%eax, %%cr0" ::: "eax", "cc");
    else asm volatile("clts");
}
void backend_fpu_read(void *image, int old) { (void)image, (void)old; }
void backend_fpu_write(const void *image, int old) { (void)image, (void)old; }

uint64_t backend_time(void) {
    uint64_t value;
    asm volatile("rdtsc" : "=A"(value));
    return value;
}
uint32_t backend_wall_clock(void) { return 1577836800; }

/* One shot; a time further away than the counter reaches fires early, and is asked for again. */
void backend_timer(uint64_t deadline) {
    uint64_t now = backend_time();
    uint32_t ticks = 0xFFFF;
    if (deadline == TIMER_NEVER) return;
    if (deadline <= now) ticks = 1;
    else if (deadline - now < 54000000) ticks = (uint32_t)(deadline - now) / 838 + 1;
    out8(0x43, 0x30);
    out8(0x40, (uint8_t)ticks);
    out8(0x40, (uint8_t)(ticks >> 8));
}

void backend_console_write(const uint8_t *bytes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) out8(0x3F8, bytes[i]);
}
int backend_console_read(void) { return in8(0x3FD) & 1 ? in8(0x3F8) : -1; }
uint32_t backend_block_sectors(void) { return 0; }
int backend_block(uint32_t operation, uint32_t sector, uint32_t at, uint32_t count) {
    return (void)operation, (void)sector, (void)at, (void)count, BLOCK_FAILED;
}
int backend_block_result(void) { return BLOCK_FAILED; }
void backend_net_send(const void *packet, uint32_t bytes) { (void)packet, (void)bytes; }
const uint8_t *backend_net_station(void) { return 0; }
const uint8_t *backend_net_next(uint32_t *bytes) { return (void)bytes, (const uint8_t *)0; }
void backend_net_drop(void) {}
void backend_quiesce(void) { asm volatile("cli"); }
void backend_resume(void) { asm volatile("sti"); }

void backend_stop(uint32_t reason, const char *message) {
    (void)message;
    if (reason == STOP_POWER_OFF) out16(0x604, 0x2000);
    if (reason == STOP_RESET) out8(0x64, 0xFE);
    out8(0xF4, reason == STOP_DEBUG_EXIT ? (uint8_t)vcpu.exit_value : 0x7F);
    for (;;) asm volatile("cli; hlt");
}

/* The interrupt behind a vector: acknowledged, noted. */
static void interrupt(uint32_t vector) {
    if (vector == 0x27 || vector == 0x2F) return;
    if (vector >= 0x28) out8(0xA0, 0x20);
    out8(0x20, 0x20);
    vmm_async(vector == 0x24 ? EVENT_CONSOLE : EVENT_TIMER);
}

static int is_interrupt(uint32_t vector) { return vector >= 0x20 && vector < 0x30; }

__attribute__((noreturn)) void backend_from_user(uint32_t vector, uint32_t error, uint32_t address) {
    asm volatile("sti");
    if (!is_interrupt(vector)) vmm_from_user(vector, error, address);
    interrupt(vector);
    vmm_service();
}

__attribute__((noreturn)) void backend_from_kernel(uint32_t vector, uint32_t error, uint32_t address) {
    asm volatile("sti");
    if (ring_was_hidden(vector, 0)) vmm_service();
    if (!is_interrupt(vector)) vmm_from_kernel(vector, error, address);
    interrupt(vector);
    vmm_service();
}

uint32_t backend_from_window(uint32_t eip, uint32_t vector, uint32_t error, uint32_t address, uint32_t *stack) {
    if (ring_was_hidden(vector, stack)) return eip;
    if (!is_interrupt(vector)) return vmm_from_window(eip, vector, error, address);
    interrupt(vector);
    return vmm_resume_point(eip, stack);
}

static void gate(uint32_t vector, const void *target, uint32_t dpl) {
    idt[vector][0] = BARE_CS << 16 | ((uint32_t)target & 0xFFFF);
    idt[vector][1] = ((uint32_t)target & 0xFFFF0000) | 0x8E00 | dpl << 13;
}

static void system_descriptor(uint32_t selector, const void *base, uint32_t bytes, uint32_t type) {
    gdt[selector >> 3][0] = (uint32_t)base << 16 | (bytes - 1);
    gdt[selector >> 3][1] = ((uint32_t)base & 0xFF000000) | ((uint32_t)base >> 16 & 0xFF) | type;
}

static void start_interrupts(void) {
    static const uint8_t words[][2] = {{0x20, 0x11}, {0xA0, 0x11}, {0x21, 0x20}, {0xA1, 0x28}, {0x21, 4},
                                       {0xA1, 2},    {0x21, 1},    {0xA1, 1},    {0x21, 0xEE}, {0xA1, 0xFF}};
    for (uint32_t i = 0; i < sizeof words / 2; i++) out8(words[i][0], words[i][1]);
    out8(0x3FA, 7);
    out8(0x3FC, 0x0B);
    out8(0x3F9, 1);
}

__attribute__((noreturn)) void bare_start(const struct bare_boot *given) {
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) gdt_register, idt_register;
    uint32_t half;
    boot = *given;
    for (uint32_t vector = 0; vector < 48; vector++)
        gate(vector, bare_stubs + 16 * vector, vector == 3 || vector == 4 ? 3 : 0);
    /* A trap gate: events may find the way in. */
    gate(0x80, bare_stub_80, 3);
    idt[0x80][1] |= 0x100;
    gdt[BARE_CS >> 3][0] = gdt[BARE_DS >> 3][0] = 0xFFFF;
    gdt[BARE_CS >> 3][1] = 0x00CF9B00;
    gdt[BARE_DS >> 3][1] = 0x00CF9300;
    gdt[BARE_HIDING >> 3][0] = HIDING_LOW;
    gdt[BARE_HIDING >> 3][1] = HIDING_HIGH;
    tss[1] = (uint32_t)vmm_stack_top;
    tss[2] = BARE_DS;
    tss[25] = sizeof tss << 16;
    system_descriptor(BARE_TSS, tss, sizeof tss, 0x8900);
    system_descriptor(BARE_LDT, ldt, sizeof ldt, 0x8200);
    gdt_register.limit = sizeof gdt - 1;
    gdt_register.base = (uint32_t)gdt;
    idt_register.limit = sizeof idt - 1;
    idt_register.base = (uint32_t)idt;
    bare_load_tables(&gdt_register, &idt_register);
    asm volatile("movl %%cr0, %%eax; andl $~0xC, %%eax; orl $0x10022, %%eax; movl %%eax, %%cr0" ::: "eax", "cc");
    asm volatile("movl %%cr4, %%eax; orl $0x600, %%eax; movl %%eax, %%cr4" ::: "eax", "cc");
    directories[SPACE_KERNEL] = (uint32_t *)boot.directory;
    half = ((boot.pool_end - (uint32_t)vmm_image_end) / 2) & ~4095u;
    pool_next = (uint32_t)vmm_image_end + half;
    pool_end = boot.pool_end;
    uint32_t *nothing = take_page();
    for (uint32_t i = 0; i < 1024; i++) nothing[i] = 0xFFFFFFFF;
    void_frame = machine_frame(nothing);
    start_interrupts();
    const struct platform platform = {
        .guest_frames = boot.guest_frames,
        .pool_start = (uint32_t)vmm_image_end,
        .pool_bytes = half,
        .entry_eip = boot.entry_eip,
        .entry_esi = boot.entry_esi,
        .entry_esp = boot.entry_esp,
        .cpu_model = boot.cpu_model,
    };
    vmm_start(&platform);
}
