/* Workload: map, touch, protect, unmap. A new mapping reads as zero; what was written survives mprotect. */
#include "runtime/runtime.h"

int run(void)
{
  uint32_t checksum = FOLD_START, seed = 7;
  for (uint32_t n = scaled(150); n; n--) {
    uint32_t pages = 1 + next_random(&seed) % 40;
    uint32_t *at = map_pages(pages * PAGE_BYTES, PROT_READ | PROT_WRITE);
    for (uint32_t page = 0; page < pages; page++) {
      uint32_t *word = at + page * (PAGE_BYTES / 4) + next_random(&seed) % (PAGE_BYTES / 4);
      if (*word != 0)
        return 1;
      *word = page ^ n;
      checksum = fold(checksum, *word);
    }
    uint32_t kept = fold_bytes(FOLD_START, at, PAGE_BYTES / 8);
    if (call3(SYS_mprotect, at, pages * PAGE_BYTES, PROT_READ) != 0)
      return 1;
    if (fold_bytes(FOLD_START, at, PAGE_BYTES / 8) != kept)
      return 1;
    unmap_pages(at, pages * PAGE_BYTES);
  }
  return report(checksum);
}
