/* Benchmark: multiplication and division, signed and unsigned, 32 x 32 -> 64 and 64 / 32 -> 32. */
#include "runtime/runtime.h"

int run(void)
{
  uint32_t seed = 31, checksum = FOLD_START;
  for (uint32_t n = scaled(6000000); n; n--) {
    uint32_t a = next_random(&seed), b = next_random(&seed) | 1, quotient, remainder;
    uint64_t product = (uint64_t)a * b;
    uint32_t high = (uint32_t)(product >> 32) % b; /* below b, so that the quotient fits */
    __asm__("divl %4" : "=a"(quotient), "=d"(remainder) : "0"((uint32_t)product), "1"(high), "r"(b) : "cc");
    int32_t signed_quotient = (int32_t)a / (int32_t)(b >> 12 | 1), signed_rest = (int32_t)a % (int32_t)(b >> 20 | 3);
    checksum = checksum * 31 + (quotient ^ remainder ^ (uint32_t)signed_quotient) + (uint32_t)signed_rest;
  }
  return report(checksum);
}
