// Single instructions in real-address mode (entry.S), each from a state that VECTORS lists; one line each on the debug
// console says what became of it: registers, frame, vector, segments, and a hash of all memory below 576 KiB.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned u32;

struct area {
  u32 registers[8];
  u16 es, cs, ss, ds, fs, gs, ip, flags;
  u32 vector;
};
static const struct vector {
  u8 code[16];
  struct area area;
  u32 seed;
} list[] = {
#include VECTORS
};

extern u8 low[], low_end[], area[], stubs[];
extern void run_real(void);
enum { LOW = 0x7000, CLEAR_FROM = 0x8000, CLEAR_TO = 0x90000, WINDOW = 0x1000, WINDOW_BYTES = 0x400, STUB = 9 };

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

static u32 state;
static u32 next(void) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}
static void fill(u32 segment) {
  u32 *at = (u32 *)(segment * 16 + WINDOW);
  for (u32 i = 0; i < WINDOW_BYTES / 4; i++) {
    u32 kind = next() >> 29;
    at[i] = kind == 0 ? 0 : kind == 1 ? ~0u : next();
  }
}

static void one(const struct vector *v) {
  struct area *a = (struct area *)(LOW + (area - low));
  u32 *at = (u32 *)CLEAR_FROM, left = (CLEAR_TO - CLEAR_FROM) / 4;
  __asm__ volatile("rep stosl" : "+D"(at), "+c"(left) : "a"(0) : "memory");
  for (u32 i = 0; i < (u32)(low_end - low); i++) ((u8 *)LOW)[i] = low[i];
  for (u32 i = 0; i < 256; i++) ((u32 *)0)[i] = 0x7000000 | ((u32)(stubs - low) + STUB * i);
  state = v->seed;
  const u16 segments[] = {v->area.ds, v->area.es, v->area.ss, v->area.fs, v->area.gs};
  for (u32 i = 0; i < 5; i++) fill(segments[i]);
  u8 *code = (u8 *)(v->area.cs * 16u + v->area.ip);
  for (u32 i = 0; i < 16; i++) code[i] = v->code[i];
  *a = v->area;
  run_real();
  for (u32 i = 0; i < 8; i++) hex(a->registers[i]);
  text("v ");
  hex(a->vector & 0xff);
  hex(a->ip);
  hex(a->cs);
  hex(a->flags);
  hex(a->es);
  hex(a->ss);
  hex(a->ds);
  hex(a->fs);
  hex(a->gs);
  // The frame itself was compared; what its flags may be is for the reader to say.
  u16 *flags = (u16 *)(a->ss * 16u + (u16)(a->registers[4] + 4));
  *flags = 0;
  u32 hash = 0;
  at = (u32 *)CLEAR_FROM;
  left = (CLEAR_TO - CLEAR_FROM) / 4;
  while (left) {
    __asm__ volatile("repe scasl" : "+D"(at), "+c"(left) : "a"(0) : "memory", "cc");
    hash = (hash * 31 + at[-1]) * 33 + (u32)at;
  }
  hex(hash);
  text("\n");
}

int main(void) {
  out8(0x21, 0xff);
  out8(0xa1, 0xff);
  for (u32 i = 0; i < sizeof list / sizeof *list; i++) {
    hex(i);
    one(&list[i]);
  }
  text("end\n");
  out8(0xf4, 0);
  for (;;) __asm__ volatile("cli; hlt");
}
