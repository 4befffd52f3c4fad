// Random system operations under random descriptor tables, one line of results each on the debug console: segment loads,
// far transfers, gates, task switches, returns, LAR and its kin, flags, at every ring and in virtual-8086 mode.
// Two processors that follow the SDM print the same text. What processors may do differently is not generated.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned u32;
typedef unsigned long long u64;

extern u32 seen_ds, seen_es, seen_fs, seen_gs, seen_ss, seen_tr, seen_ldt, seen_cr0, seen_double_fault, seen_stack[21];
extern u32 operation_ring, operation_code, operation_data, operation_flags, operation_entry;
extern u32 selector, far_pointer[2], far_stack[2], stubs[32], landing_stub;
extern u16 far_pointer16[2];
extern void double_fault(void), run_operation(void), run_v86(void);

#define OPERATIONS                                                                                                     \
  X(ds) X(es) X(fs) X(gs) X(ss) X(ljmp) X(lcall) X(ljmpw) X(lcallw) X(lds) X(lss) X(lret) X(lretw) X(lret8) X(iret)    \
  X(iretw) X(int90) X(int91) X(int92) X(int93) X(int3) X(hlt) X(cli) X(sti) X(popf) X(popfw) X(cr0) X(in) X(clts)      \
  X(ltr) X(lldt) X(arpl) X(look)
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

// Segments that are always there: flat code and data for each ring.
#define CODE(ring) ((1 + 2 * (ring)) << 3 | (ring))
#define DATA(ring) ((2 + 2 * (ring)) << 3 | (ring))
enum { MAIN_TSS = 9, TSS_32, TSS_16, LDT, DOUBLE_FAULT_TSS, STACK_16, RANDOM = 16, RANDOM_END = 32 };
enum { STACK = 0x8000, LANDING = 0x4000, V86_CODE = 0x5000, RING_STACKS = 0x7800 };
enum { VM = 0x20000, NT = 0x4000, IOPL3 = 0x3000 };

static u64 gdt[64] __attribute__((aligned(16))), gdt_before[64], idt[0x98] __attribute__((aligned(16)));
static u64 ldt[8] __attribute__((aligned(16))), ldt_before[8];
static u8 tss[4][128] __attribute__((aligned(128))); // main, 32-bit, 16-bit, double fault
static u32 ring;

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
static u64 gate(u32 target, u32 offset, u32 access, u32 count) {
  return (u64)(offset & 0xffff) | (u64)(target & 0xffff) << 16 | (u64)count << 32 | (u64)access << 40 |
         (u64)(offset >> 16) << 48;
}
static void put16(u8 *at, u32 value) { *(u16 *)at = value; }
static void put32(u8 *at, u32 value) { *(u32 *)at = value; }

// A selector: mostly of something that exists, mostly with RPL = ring.
static u32 any_selector(void) {
  u32 kind = below(40), rpl = below(4) ? ring : below(4);
  if (kind == 0) return below(4);
  if (kind == 1) return 0x200 + below(256);
  if (kind < 6) return below(9) << 3 | 4 | rpl;
  if (kind < 16) {
    u32 level = below(4);
    return ((below(2) ? CODE(level) : DATA(level)) & ~3u) | (below(3) ? level : rpl);
  }
  if (kind < 18) return (MAIN_TSS + below(4)) << 3 | rpl;
  return (RANDOM + below(RANDOM_END - RANDOM)) << 3 | rpl;
}
static u32 tss_selector(void) { return below(3) ? (TSS_32 + below(2)) << 3 : any_selector() & ~4u; }

// Segments always cover what an operation touches: only rights decide. QEMU does not set the accessed bit of code and of
// inner stacks, and JMP takes absent code behind a call gate for #GP.
static u64 any_data(u32 access) {
  u32 type = below(8) | (below(2) ? 3 : 0), big = below(2) ? 4 : 0, base = below(2) ? 0x200000 : 0;
  if (type & 2) type |= 1;
  if (type & 4) return segment(base, 0xfff, access | 0x10 | type, big);
  return below(2) ? segment(base, 0xffff, access | 0x10 | type, big) : segment(base, 0xfffff, access | 0x10 | type, big | 8);
}
static u64 any_code(u32 access) {
  access |= 0x80;
  u32 type = 9 | below(8), base = below(2) ? 0x300000 : 0, big = below(4) ? 4 : 0;
  // A call gate to conforming code of an inner ring leaves QEMU with the wrong RPL in CS.
  if (type & 4) access |= ring << 5;
  return below(2) ? segment(base, 0xffff, access | 0x10 | type, big) : segment(base, 0xfffff, access | 0x10 | type, big | 8);
}
static u64 any_descriptor(int in_ldt) {
  u32 access = (below(8) ? 0x80 : 0) | (below(2) ? below(4) : ring) << 5, kind = below(20);
  if (kind < 6) return any_data(access);
  if (kind < 13 || in_ldt) return any_code(access);
  if (kind < 15) return gate(any_selector(), LANDING, access | (below(3) ? 12 : 4), below(4));
  if (kind < 16) return gate(tss_selector(), 0, access | 5, 0);
  if (kind < 17) return segment((u32)tss[1], below(8) ? 0x67 : 0x66, access | (below(4) ? 9 : 11), 0);
  if (kind < 18) return segment((u32)tss[2], below(8) ? 0x2b : 0x2a, access | (below(4) ? 1 : 3), 0);
  if (kind < 19) return segment((u32)ldt, 0x3f, access | 2, 0);
  return gate(any_selector(), LANDING, access | "\0\2\10\12\15"[below(5)], below(4));
}

static void make_gdt(void) {
  for (u32 level = 0; level < 4; level++) {
    gdt[1 + 2 * level] = segment(0, 0xfffff, 0x9b | level << 5, 12);
    gdt[2 + 2 * level] = segment(0, 0xfffff, 0x93 | level << 5, 12);
  }
  u32 busy = below(2) * 2;
  gdt[MAIN_TSS] = segment((u32)tss[0], 0x67, 0x89, 0);
  gdt[TSS_32] = segment((u32)tss[1], 0x67, 0x89 | busy | below(4) << 5, 0);
  gdt[TSS_16] = segment((u32)tss[2], 0x2b, 0x81 | busy | below(4) << 5, 0);
  gdt[LDT] = segment((u32)ldt, 0x3f, 0x82, 0);
  gdt[DOUBLE_FAULT_TSS] = segment((u32)tss[3], 0x67, 0x89, 0);
  for (u32 i = RANDOM; i < RANDOM_END; i++) gdt[i] = any_descriptor(0);
  for (u32 i = 0; i < 8; i++) ldt_before[i] = ldt[i] = any_descriptor(1);
}

static void make_idt(int v86) {
  static const u8 types[] = {14, 14, 14, 15, 15, 6, 7, 5, 14, 15, 6, 12};
  for (u32 i = 0; i < 32; i++) idt[i] = gate(CODE(0), stubs[i], 0x8e, 0);
  idt[3] = gate(CODE(0), stubs[3], 0xee, 0);
  idt[8] = gate(DOUBLE_FAULT_TSS << 3, 0, 0x85, 0);
  idt[0x81] = gate(CODE(0), landing_stub, 0xee, 0);
  for (u32 i = 0x90; i < 0x98; i++) {
    u32 access = ((below(3) ? 0xe0 : 0x80 | below(4) << 5) & (below(10) ? 0xff : 0x7f)), type = types[below(12)];
    // QEMU lets virtual-8086 mode into rings 1 and 2.
    if (v86) idt[i] = gate(below(3) ? CODE(0) : below(2) ? CODE(3) : DATA(0), LANDING, access | (type == 5 ? 14 : type), 0);
    else idt[i] = type == 5 ? gate(tss_selector(), 0, access | 5, 0) : gate(any_selector(), LANDING, access | type, 0);
  }
}

static void make_stacks(int valid) {
  for (u32 level = 0; level < 3; level++) {
    u32 top = RING_STACKS - 0x100 * level;
    put32(tss[0] + 4 + 8 * level, top);
    put16(tss[0] + 8 + 8 * level, valid || below(8) ? DATA(level) : any_selector());
    put32(tss[1] + 4 + 8 * level, top - 0x1000);
    put16(tss[1] + 8 + 8 * level, DATA(level));
    put16(tss[2] + 2 + 4 * level, top - 0x1800);
    put16(tss[2] + 4 + 4 * level, DATA(level));
  }
}

// Tasks that can be loaded: what a processor does with a bad one after the switch is its own affair.
static void make_tasks(void) {
  u32 flags = (random32() & 0x44d5) | 2, level = below(4), v86 = below(8) == 0;
  u8 *t = tss[1];
  put32(t + 0x20, LANDING);
  put32(t + 0x24, flags | (v86 ? VM : 0) | (below(4) ? 0 : IOPL3));
  for (u32 i = 0; i < 8; i++) put32(t + 0x28 + 4 * i, 0xa0000000 + i);
  put32(t + 0x38, STACK);
  for (u32 n = 0; n < 6; n++) put16(t + 0x48 + 4 * n, v86 ? 0 : n == 1 ? CODE(level) : n == 2 ? DATA(level) : DATA(3));
  put16(t + 0x60, below(3) ? LDT << 3 : 0);
  put16(t + 0x66, 0x68);
  t = tss[2];
  level = below(4);
  put16(t + 0x0e, LANDING);
  put16(t + 0x10, (random32() & 0x44d5) | 2);
  for (u32 i = 0; i < 8; i++) put16(t + 0x12 + 2 * i, 0xb000 + i);
  put16(t + 0x1a, STACK);
  gdt[STACK_16] = segment(0, 0xffff, 0x93 | level << 5, 0);
  u16 selectors[] = {DATA(3), CODE(level), STACK_16 << 3 | level, DATA(3), below(3) ? LDT << 3 : 0};
  for (u32 n = 0; n < 5; n++) put16(t + 0x22 + 2 * n, selectors[n]);
  t = tss[3];
  put32(t + 0x20, (u32)double_fault);
  put32(t + 0x24, 2);
  put32(t + 0x38, 0x6000);
  for (u32 n = 0; n < 6; n++) put16(t + 0x48 + 4 * n, n == 1 ? CODE(0) : DATA(0));
  // A return to the task itself is left out: QEMU reads its TSS before it has saved it.
  u32 link = below(2) ? (TSS_32 + below(2)) << 3 : any_selector() & ~4u;
  put16(tss[0], link >> 3 == MAIN_TSS ? 0 : link);
  put16(tss[0] + 0x66, 0x68);
}

static void clear(u32 from, u32 bytes) {
  for (u32 *at = (u32 *)from; bytes; bytes -= 4) *at++ = 0;
}
static void use_tables(void) {
  struct {
    u16 limit;
    u32 base;
  } __attribute__((packed)) g = {0x1ff, (u32)gdt}, i = {sizeof idt - 1, (u32)idt};
  __asm__ volatile("lgdt %0; lidt %1; ltr %w2; lldt %w3" ::"m"(g), "m"(i), "r"(MAIN_TSS << 3), "r"(LDT << 3));
}

// The frame that returns pop, on the operation's stack.
static void make_frame(const char *name, u32 target, u32 target_stack, u32 flags) {
  u32 *frame = (u32 *)STACK, words[9] = {LANDING, target, flags, STACK + 0x100, target_stack, 0x21, 0x22, 0x23, 0x24};
  u16 *frame16 = (u16 *)STACK;
  int is_iret = name[0] == 'i', narrow = name[4] == 'w', skip = name[4] == '8' ? 2 : 0;
  if (is_iret && !narrow && ring == 0 && below(4) == 0) {
    words[2] |= VM;
    words[1] = 0;
  }
  if (is_iret && below(4) == 0) operation_flags |= NT;
  for (u32 i = 0, at = 0; i < 9; i++) {
    if (!is_iret && i == 2) {
      at += skip;
      continue;
    }
    if (narrow) frame16[at++] = words[i];
    else frame[at++] = words[i];
  }
}

static void print_seen(void) {
  if (seen_double_fault) {
    text("double fault ");
    return;
  }
  // The upper halves of registers are not defined after a switch to a 16-bit TSS.
  u32 mask = gdt[seen_tr >> 3 & 63] >> 43 & 1 ? ~0u : 0xffff;
  for (u32 i = 0; i < 8; i++)
    if (i != 3) hex(seen_stack[i] & mask);
  text("vector ");
  hex(seen_stack[8]);
  hex(seen_stack[9]);
  text("frame ");
  for (u32 i = 10; i < 21; i++) hex(i == 12 ? seen_stack[i] & ~0x10000u : i == 13 ? seen_stack[i] & mask : seen_stack[i]);
  text("segments ");
  const u32 rest[] = {seen_ds, seen_es, seen_fs, seen_gs, seen_ss, seen_tr, seen_ldt, seen_cr0 & 8};
  for (u32 i = 0; i < 8; i++) hex(rest[i] & 0xffff);
}
static void print_memory(void) {
  text("changed ");
  for (u32 i = 0; i < 64; i++)
    if (gdt[i] != gdt_before[i]) {
      hex(i);
      hex(gdt[i] >> 40 & 0xff);
    }
  for (u32 i = 0; i < 8; i++)
    if (ldt[i] != ldt_before[i]) hex(i | 0x100);
  for (u32 t = 0; t < 3; t++) {
    u32 hash = 0;
    if (t < 2) put32(tss[t] + 0x24, *(u32 *)(tss[t] + 0x24) & ~0x10000u);
    for (u32 i = 0; i < 0x68; i++) hash = hash * 31 + tss[t][i];
    hex(hash);
  }
  text("\n");
}

static void one(void) {
  u32 choice = below(COUNT + 3), v86 = choice >= COUNT;
  ring = v86 ? 3 : below(4);
  for (u32 i = 0; i < 64; i++) gdt[i] = 0;
  clear((u32)tss, sizeof tss);
  clear(0x5000, 0x4000);
  clear(0x205000, 0x4000);
  make_gdt();
  make_idt(v86);
  make_stacks(v86);
  make_tasks();
  for (u32 i = 0; i < 64; i++) gdt_before[i] = gdt[i];
  use_tables();
  u32 target = any_selector() & 0xffff, second = any_selector() & 0xffff;
  selector = (any_selector() & 0xffff) | any_selector() << 16;
  far_pointer[0] = far_pointer16[0] = LANDING;
  far_stack[0] = STACK;
  far_pointer[1] = far_pointer16[1] = far_stack[1] = target;
  operation_ring = ring;
  operation_code = CODE(ring);
  operation_data = DATA(ring);
  operation_flags = 2 | (below(3) ? 0 : random32() & IOPL3);
  if (v86) {
    static const u8 code[][2] = {{0xcd, 0x90}, {0xcd, 0x93}, {0xcc, 0x90}, {0xcf, 0x90}, {0xfa, 0x90},
                                 {0xfb, 0x90}, {0x9c, 0x90}, {0x9d, 0x90}, {0xf4, 0x90}, {0xe4, 0xed}};
    u8 *at = (u8 *)V86_CODE;
    u32 which = below(10);
    at[0] = code[which][0];
    at[1] = code[which][1];
    at[2] = 0x90;
    at[3] = 0xcd;
    at[4] = 0x81;
    u16 *frame = (u16 *)STACK;
    frame[0] = LANDING;
    frame[2] = (random32() & 0xcd5) | 2;
    operation_flags = VM | (below(2) ? IOPL3 : 0) | 2;
    operation_entry = V86_CODE;
    text("v86 ");
    hex(which);
    hex(operation_flags);
    run_v86();
  } else {
    const char *name = operations[choice].name;
    if (operations[choice].entry == operation_hlt && ring == 0) name = operations[choice = 0].name;
    // QEMU takes all null selectors for LTR.
    if (operations[choice].entry == operation_ltr && (selector & 0xfffc) == 0) selector |= MAIN_TSS << 3;
    if (name[1] == 'r' && name[2] == 'e') make_frame(name, target, below(3) ? DATA(target & 3) : second, (random32() & 0x247cd5) | 2);
    if (name[0] == 'p') *(u32 *)STACK = random32() & 0x247ed5;
    operation_entry = (u32)operations[choice].entry;
    text(name);
    text(" ");
    hex(ring);
    hex(target);
    hex(selector);
    run_operation();
  }
  print_seen();
  print_memory();
}

int main(void) {
  out8(0x21, 0xff);
  out8(0xa1, 0xff);
  static const u32 bases[] = {0, 0x200000, 0x300000};
  for (u32 i = 0; i < 3; i++)
    for (u32 k = 0; k < 32; k++) put16((u8 *)bases[i] + LANDING + 2 * k, 0x81cd);
  for (u32 i = 0; i < TIMES; i++) {
    hex(i);
    one();
  }
  text("end\n");
  out8(0xf4, 0);
  for (;;) __asm__ volatile("cli; hlt");
}
