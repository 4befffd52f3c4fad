/* Benchmark: one word from each page, and from each cache line, of 16 MiB: address translation. */
#include "runtime/runtime.h"

#define BYTES (16u << 20)

int run(void)
{
  uint32_t checksum = FOLD_START;
  uint8_t *memory = map_pages(BYTES, PROT_READ | PROT_WRITE);
  for (uint32_t n = scaled(24); n; n--) {
    for (uint32_t lane = 0; lane < 4; lane++)
      for (uint32_t at = lane * 68; at < BYTES; at += PAGE_BYTES) {
        uint32_t *word = (uint32_t *)(memory + at);
        *word += at + n;
        checksum += *word;
      }
    for (uint32_t at = 0; at < BYTES; at += 64)
      checksum = checksum * 3 + *(uint32_t *)(memory + at);
  }
  return report(checksum);
}
