// Random accesses and system instructions under random page tables, CR0.WP, CR4 and descriptors, in ring 0, ring 3 and
// virtual-8086 mode, a line of results each on the debug console: registers, vector, error code, CR2, CR0, frame,
// accessed and dirty bits, memory. Processors that follow the SDM print the same. Entries are changed only with the
// flush that the SDM asks for. Left out is what v86 does otherwise than processors: BTS by bytes, ENTER that faults (not
// implemented), PUSHA that asks for its whole frame first, INT3 bound to IOPL in virtual-8086 mode.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned u32;
typedef unsigned long long u64;

extern u32 seen[23], seen_cr2, seen_cr0, seen_cr4, stubs[32], end_stub, open_stub, closed_stub;
extern u32 operation_ring, operation_code, operation_data, operation_flags, operation_entry, operation_registers[8];
extern void run_operation(void);

#define OPERATIONS                                                                                                     \
  X(load1) X(load2) X(load4) X(store1) X(store2) X(store4) X(add) X(inc) X(test) X(xchg) X(xadd) X(cmpxchg)            \
  X(cmpxchg8b) X(movs) X(stos) X(lods) X(rep_movs1) X(rep_movs4) X(rep_stos2) X(rep_lods1) X(push)              \
  X(push_memory) X(pop) X(pop_memory) X(popa) X(pushf) X(leave) X(call) X(sgdt) X(fnstcw) X(lea)     \
  X(ds) X(es) X(fs) X(gs) X(lar) X(lsl) X(verr) X(verw) X(smsw) X(str) X(read_cr0) X(clts) X(invlpg) X(wbinvd)         \
  X(popf) X(sti) X(cli) X(in) X(out) X(open) X(closed) X(missing) X(int3) X(ud2) X(divide) X(rdmsr) X(far_call)        \
  X(far_return)
#define X(name) extern void operation_##name(void);
OPERATIONS
#undef X
#define X(name) {#name, operation_##name},
static const struct {
  const char *name;
  void (*entry)(void);
} operations[] = {OPERATIONS};
#undef X
#define COUNT (sizeof operations / sizeof *operations)
#define MEMORY_OPERATIONS 31

enum { PRESENT = 1, WRITE = 2, USER = 4, ACCESSED = 0x20, DIRTY = 0x40, LARGE = 0x80 };
enum { VM = 0x20000, IOPL3 = 0x3000, CR0_PG = (int)0x80000000, CR0_WP = 0x10000, CR4_PSE = 0x10 };
/* Two directory entries with tables and one 4 MiB page make the window; the directory and low memory are mapped
   one to one, for ring 3 too where its code and stack are. */
enum { WINDOW = 0x10000000, PAGES = 16, SECOND = WINDOW + 0x400000, BIG = WINDOW + 0x800000, FRAMES = 0x600000 };
enum { V86_CODE = 0x5000, V86_STACK = 0x7000, USER_STACK = 0x9000, BIG_FRAME = 0x800000 };

static u32 directory[1024] __attribute__((aligned(4096))), low[1024] __attribute__((aligned(4096)));
static u32 tables[2][1024] __attribute__((aligned(4096)));
static u64 gdt[16] __attribute__((aligned(16))), idt[0x98] __attribute__((aligned(16)));
static u8 tss[0x68 + 0x20 + 1] __attribute__((aligned(128)));
static u8 ring0_stack[4096];

static void out8(u16 port, u8 value) { __asm__ volatile("outb %0, %1" ::"a"(value), "d"(port)); }
static void text(const char *s) {
  while (*s) out8(0xe9, *s++);
}
static void hex(u32 value) {
  int shift = 28;
  while (shift && !(value >> shift)) shift -= 4;
  for (; shift >= 0; shift -= 4) out8(0xe9, "0123456789abcdef"[value >> shift & 15]);
  out8(0xe9, ' ');
}

static u64 seed = SEED;
static u32 random32(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed >> 16;
}
static u32 below(u32 n) { return random32() % n; }

static u64 segment(u32 base, u32 limit, u32 access, u32 flags) {
  return (u64)(limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)access << 40 | (u64)(limit >> 16 & 15) << 48 |
         (u64)flags << 52 | (u64)(base >> 24) << 56;
}
static u64 gate(u32 target, u32 offset, u32 access) {
  return (u64)(offset & 0xffff) | (u64)(target & 0xffff) << 16 | (u64)access << 40 | (u64)(offset >> 16) << 48;
}

/* 08 10 ring 0, 18 20 ring 3, 28 TSS, 30 LDT; 38 on: what selectors are tried on. */
static void make_descriptors(void) {
  gdt[1] = segment(0, 0xfffff, 0x9b, 12);
  gdt[2] = segment(0, 0xfffff, 0x93, 12);
  gdt[3] = segment(0, 0xfffff, 0xfb, 12);
  gdt[4] = segment(0, 0xfffff, 0xf3, 12);
  gdt[5] = segment((u32)tss, sizeof tss - 1, 0x89, 0);
  gdt[6] = segment((u32)gdt, 15, 0x82, 0);
  static const u8 access[] = {0xf1, 0x91, 0x73, 0x9f, 0xff, 0xf9, 0xb3, 0xf7, 0x99};
  for (u32 i = 0; i < sizeof access; i++) gdt[7 + i] = segment(0, 0xfffff, access[i], 12);
  for (u32 i = 0; i < 32; i++) idt[i] = gate(8, stubs[i], 0x8e);
  idt[3] = gate(8, stubs[3], 0xee);
  idt[0x81] = gate(8, end_stub, 0xee);
  idt[0x90] = gate(8, open_stub, 0xee);
  idt[0x91] = gate(8, closed_stub, 0x8e);
  idt[0x92] = gate(8, closed_stub, 0x6e);
  *(u32 *)(tss + 4) = (u32)(ring0_stack + sizeof ring0_stack);
  *(u16 *)(tss + 8) = 0x10;
  *(u16 *)(tss + 0x66) = 0x68;
  for (u32 i = 0x68; i < sizeof tss; i++) tss[i] = 0xff;
  struct {
    u16 limit;
    u32 base;
  } __attribute__((packed)) g = {sizeof gdt - 1, (u32)gdt}, i = {sizeof idt - 1, (u32)idt};
  __asm__ volatile("lgdt %0; lidt %1; ltr %w2; lldt %w3" ::"m"(g), "m"(i), "r"(0x28), "r"(0x30));
}

static u32 rights(void) {
  return (below(6) ? PRESENT : 0) | (below(3) ? WRITE : 0) | (below(3) ? USER : 0) | (below(3) ? 0 : ACCESSED) |
         (below(3) ? 0 : DIRTY);
}
static void load_cr3(void) { __asm__ volatile("mov %0, %%cr3" ::"r"(directory) : "memory"); }

/* Every table anew, or one entry with INVLPG. */
static void make_tables(void) {
  if (below(3) == 0) {
    u32 t = below(2), i = below(PAGES), linear = WINDOW + 0x400000 * t + 0x1000 * i;
    tables[t][i] = (FRAMES + 0x1000 * below(PAGES)) | rights();
    __asm__ volatile("invlpg (%0)" ::"r"(linear) : "memory");
    return;
  }
  for (u32 t = 0; t < 2; t++)
    for (u32 i = 0; i < PAGES; i++) tables[t][i] = (FRAMES + 0x1000 * below(PAGES)) | rights();
  directory[WINDOW >> 22] = (u32)tables[0] | ((below(8) ? PRESENT : 0) | (below(4) ? WRITE : 0) | (below(4) ? USER : 0));
  directory[SECOND >> 22] = (u32)tables[1] | PRESENT | WRITE | USER;
  directory[BIG >> 22] = BIG_FRAME | LARGE | (rights() & ~PRESENT) | PRESENT;
  load_cr3();
}
static u32 address(void) {
  static const u32 bases[] = {WINDOW, WINDOW, SECOND, SECOND, BIG};
  u32 base = bases[below(5)] + 0x1000 * below(PAGES);
  return base + (below(3) ? below(0x1000) : 0xff8 + below(8));
}

static void one(u32 number) {
  u32 memory = below(3) != 0, choice = memory ? below(MEMORY_OPERATIONS) : below(COUNT);
  u32 v86 = below(12) == 0;
  operation_ring = v86 ? 3 : below(2) * 3;
  make_tables();
  u32 cr0, wp = below(2) * CR0_WP;
  __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
  __asm__ volatile("mov %0, %%cr0" ::"r"((cr0 & ~CR0_WP) | wp));
  /* v86 lets ring 3 write where ring 0 has written without write protection since the last flush. */
  if (!wp) load_cr3();
  u32 *data = (u32 *)FRAMES;
  for (u32 i = 0; i < 1024 * PAGES; i++) data[i] = 0;
  for (u32 i = 0; i < PAGES; i++)
    for (u32 k = 0; k < 4; k++) data[1024 * i + (k < 2 ? k : 1020 + k)] = random32();
  for (u32 i = 0; i < 8; i++) operation_registers[i] = random32();
  operation_registers[6] = address();
  operation_registers[7] = address();
  /* ESP lies in the window for ring 3 only: ring 0 needs a stack for its exceptions. */
  u32 stack = operation_ring && memory && below(3) == 0;
  operation_registers[4] = stack ? address() & ~3u : USER_STACK;
  operation_registers[5] = stack ? operation_registers[4] : USER_STACK - 64;
  if (!memory) operation_registers[0] = below(4) ? (below(16) << 3 | below(8)) : random32() & 0x47fd7;
  operation_code = operation_ring ? 0x1b : 8;
  operation_data = operation_ring ? 0x23 : 0x10;
  operation_flags = 2 | (below(2) ? IOPL3 : 0) | (below(3) ? 0 : 0x400);
  operation_entry = (u32)operations[choice].entry;
  hex(number);
  if (v86) {
    static const u8 code[][2] = {{0xcd, 0x90}, {0xcd, 0x91}, {0xfa, 0x90}, {0xfb, 0x90}, {0x9c, 0x90}, {0x9d, 0x90},
                                 {0xf4, 0x90}, {0xe4, 0xed}, {0x8e, 0xd8}, {0x06, 0x07}, {0x0f, 0x06}, {0x58, 0x50}};
    u8 *at = (u8 *)V86_CODE;
    u32 which = below(12);
    at[0] = code[which][0], at[1] = code[which][1];
    at[2] = 0xcd, at[3] = 0x81;
    *(u32 *)V86_STACK = (random32() & 0xcd5) | 2;
    operation_code = operation_data = 0;
    operation_registers[4] = V86_STACK;
    operation_entry = V86_CODE;
    operation_flags |= VM;
    text("v86 ");
    hex(which);
  } else text(operations[choice].name);
  text(" ring ");
  hex(operation_ring);
  hex(wp);
  hex(operation_registers[6]);
  hex(operation_registers[7]);
  hex(operation_registers[4]);
  seen_cr2 = 0;
  __asm__ volatile("mov %0, %%cr2" ::"r"(0));
  run_operation();
  text("gives ");
  /* SP of PUSHA's image is the handler's own; RF in the frame is not compared. */
  for (u32 i = 0; i < 17; i++)
    if (i != 7) hex(i < 4 ? seen[i] & 0xffff : i == 16 ? seen[i] & ~0x10000u : seen[i]);
  if (operation_ring) hex(seen[17]), hex(seen[18] & 0xffff);
  text("cr ");
  hex(seen_cr2);
  hex(seen_cr0);
  text("tables ");
  u32 hash = 0;
  for (u32 t = 0; t < 2; t++)
    for (u32 i = 0; i < PAGES; i++) hash = hash * 31 + tables[t][i];
  hex(hash);
  hex(directory[WINDOW >> 22]);
  hex(directory[SECOND >> 22]);
  hex(directory[BIG >> 22]);
  hash = 0;
  for (u32 i = 0; i < 1024 * PAGES; i++) hash = hash * 31 + data[i];
  hex(hash);
  text("\n");
}

int main(void) {
  out8(0x21, 0xff);
  out8(0xa1, 0xff);
  for (u32 i = 0; i < 1024; i++) low[i] = i << 12 | PRESENT | WRITE | USER;
  directory[0] = (u32)low | PRESENT | WRITE | USER;
  directory[FRAMES >> 22] = (FRAMES & 0xffc00000) | LARGE | PRESENT | WRITE;
  directory[BIG_FRAME >> 22] = BIG_FRAME | LARGE | PRESENT | WRITE;
  make_descriptors();
  __asm__ volatile("fninit; mov %0, %%cr4" ::"r"(CR4_PSE));
  load_cr3();
  __asm__ volatile("mov %0, %%cr0" ::"r"(CR0_PG | 0x11));
  for (u32 i = 0; i < TIMES; i++) one(i);
  text("end\n");
  out8(0xf4, 0);
  for (;;) __asm__ volatile("cli; hlt");
}
