/* Benchmark: shifts, rotates, bit scans, set-on-condition and double-precision adds with carry. */
#include "runtime/runtime.h"

int run(void)
{
  uint32_t seed = 9, checksum = FOLD_START;
  uint64_t sum = 1, product = 0x9e3779b97f4a7c15ull;
  for (uint32_t n = scaled(5000000); n; n--) {
    uint32_t x = next_random(&seed), lowest, highest;
    __asm__("bsfl %1,%0" : "=r"(lowest) : "rm"(x) : "cc");
    __asm__("bsrl %1,%0" : "=r"(highest) : "rm"(x) : "cc");
    uint32_t ones = x - ((x >> 1) & 0x55555555u);
    ones = (ones & 0x33333333u) + ((ones >> 2) & 0x33333333u);
    ones = (ones + (ones >> 4)) & 0x0f0f0f0fu;
    sum += (uint64_t)x << (n & 31);
    product = (product << 7 | product >> 57) - sum;
    checksum += (lowest << highest % 24) ^ ones ^ (uint32_t)((int32_t)x < (int32_t)checksum) ^ (uint32_t)(product >> 32);
    checksum = checksum >> (n & 7) | checksum << (31 & -(n & 7));
  }
  return report(fold(fold(checksum, (uint32_t)sum), (uint32_t)(sum >> 32)));
}
