/* Benchmark: the sieve of Eratosthenes over bytes. */
#include "runtime/runtime.h"

#define LIMIT 200000

int run(void)
{
  static uint8_t composite[LIMIT];
  uint32_t checksum = FOLD_START;
  for (uint32_t n = scaled(180); n; n--) {
    uint32_t primes = 0;
    for (uint32_t i = 2; i < LIMIT; i++)
      composite[i] = 0;
    for (uint32_t i = 2; i < LIMIT; i++) {
      if (composite[i])
        continue;
      primes++;
      for (uint32_t j = i + i; j < LIMIT; j += i)
        composite[j] = 1;
    }
    checksum = fold(checksum, primes + n);
  }
  return report(checksum);
}
