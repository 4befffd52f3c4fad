/* Benchmark: fork, copy-on-write of 32 pages in the child, exit, wait. */
#include "runtime/runtime.h"

int run(void)
{
  uint8_t *memory = map_pages(64 * PAGE_BYTES, PROT_READ | PROT_WRITE);
  uint32_t checksum = FOLD_START;
  for (uint32_t page = 0; page < 64; page++)
    memory[page * PAGE_BYTES] = (uint8_t)page;
  for (uint32_t n = scaled(250); n; n--) {
    long pid = fork_process();
    if (pid == 0) {
      uint8_t sum = 0;
      for (uint32_t page = 0; page < 64; page += 2)
        sum += ++memory[page * PAGE_BYTES] + (uint8_t)n;
      exit_process(sum & 0x7f);
    }
    checksum = fold(checksum, (uint32_t)wait_for(pid));
  }
  return report(checksum);
}
