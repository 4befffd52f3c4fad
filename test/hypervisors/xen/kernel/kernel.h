// What the small paravirtual kernels of the tests share: types, hypercalls, console, traps, page tables.
#pragma once
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define PAGE 4096u
#define DOMID_SELF 0x7ff0u
#define ALIGNED __attribute__((aligned(4096)))

enum { TRAP_EVENT = 0x100, TRAP_FAILSAFE = 0x101 };

struct start_info {
    char magic[32];
    u32 nr_pages, shared_info, flags, store_mfn, store_evtchn, console_mfn, console_evtchn;
    u32 pt_base, nr_pt_frames, mfn_list, mod_start, mod_len;
    char cmd_line[1024];
};

struct frame {
    u32 es, ds, edi, esi, ebp, esp_ignored, ebx, edx, ecx, eax;
    u32 vector, error, eip, cs, eflags, esp, ss;
};

extern struct start_info *start;
extern u8 *shared;
/* What the last trap was, for probe() and run_user(). */
extern struct frame last;
/* The frame of the last upcall. One from ring 3 ends run_user(). */
extern struct frame upcall;
extern u32 last_cr2, traps_seen;
extern u32 probe_eip;

int hypercall(u32 number, u32 a, u32 b, u32 c, u32 d, u32 e);
int direct_hypercall(u32 number, u32 a, u32 b, u32 c, u32 d, u32 e);
int probe(void (*code)(void));
int run_user(void *eip, void *esp);

void print(const char *text);
void print_number(u32 value);
/* A line "name value" on the hypervisor's console. */
void fact(const char *name, int value);
void fact_hex(const char *name, u32 value);
void ring_print(const char *text);

u32 mfn_of(const void *address);
u64 pte_of(const void *address, u32 flags);
int map(const void *address, u64 pte);
void setup_traps(void);
void power_off(void);

/* Called for an event upcall; ports pending have been cleared. */
extern void (*on_event)(u32 port);

/* Arguments of hypercalls that take a structure. */
extern u32 args[16];
int mmu(u64 ptr, u64 value);
int ext(u32 command, u32 first, u32 second);
/* A hypercall with a command and a structure of four words. */
int call2(u32 number, u32 command, u32 a, u32 b, u32 c, u32 d);
u64 maddr(const void *address);
int read_only(const void *page);
int read_write(const void *page);
/* Machine address of the entry that maps a linear address. */
u64 entry_of(const void *address);
/* Executes code and prints the trap that it met. */
void instruction(const char *name, void (*code)(void));

#define CODE(name, text, ...) static void name(void) { __asm__ volatile(text ::: "memory" __VA_OPT__(,) __VA_ARGS__); }
