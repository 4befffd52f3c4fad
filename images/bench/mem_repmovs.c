/* Benchmark: REP MOVSD, REP STOSD and REP MOVSB over blocks from 32 bytes to 64 KiB. */
#include "runtime/runtime.h"

static uint8_t from[65536], to[65536 + 16];

static void move_words(void *d, const void *s, size_t words)
{
  __asm__ volatile("cld\n\trep movsl" : "+D"(d), "+S"(s), "+c"(words)::"memory", "cc");
}
static void move_bytes(void *d, const void *s, size_t bytes)
{
  __asm__ volatile("cld\n\trep movsb" : "+D"(d), "+S"(s), "+c"(bytes)::"memory", "cc");
}
static void store_words(void *d, uint32_t value, size_t words)
{
  __asm__ volatile("cld\n\trep stosl" : "+D"(d), "+c"(words) : "a"(value) : "memory", "cc");
}

int run(void)
{
  uint32_t seed = 3, checksum = FOLD_START;
  for (size_t i = 0; i < sizeof from; i++)
    from[i] = (uint8_t)next_random(&seed);
  for (uint32_t n = scaled(4800); n; n--) {
    move_words(to, from, sizeof from / 4);
    store_words(to + 4096, n, 4096);
    for (size_t at = 0; at < 16384; at += 64)
      move_bytes(to + at + n % 4, from + at * 2, 32 + (at >> 6) % 29);
    checksum = fold(fold(checksum, *(uint32_t *)(to + n % 65000)), to[n % 16384]);
  }
  return report(fold_bytes(checksum, to, sizeof to));
}
