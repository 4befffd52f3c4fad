/* Benchmark: copying and adding 32-bit words in a loop, buffers of 64 KiB. */
#include "runtime/runtime.h"

#define WORDS 16384

int run(void)
{
  static uint32_t from[WORDS], to[WORDS];
  uint32_t seed = 3, checksum = FOLD_START;
  for (size_t i = 0; i < WORDS; i++)
    from[i] = next_random(&seed);
  for (uint32_t n = scaled(3000); n; n--) {
    for (size_t i = 0; i < WORDS; i++)
      to[i] = from[i] + n;
    checksum = fold(checksum, to[n % WORDS]);
  }
  return report(checksum);
}
