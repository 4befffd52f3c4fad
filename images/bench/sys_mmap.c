/* Benchmark: map 16 pages, touch each (a page fault with a zeroed page), unmap. */
#include "runtime/runtime.h"

int run(void)
{
  uint32_t checksum = FOLD_START;
  for (uint32_t n = scaled(1500); n; n--) {
    uint32_t *memory = map_pages(16 * PAGE_BYTES, PROT_READ | PROT_WRITE);
    for (uint32_t page = 0; page < 16; page++) {
      memory[page * (PAGE_BYTES / 4)] += page + n;
      checksum = fold(checksum, memory[page * (PAGE_BYTES / 4)]);
    }
    unmap_pages(memory, 16 * PAGE_BYTES);
  }
  return report(checksum);
}
