/* Workload: fork and wait. Each child changes memory it shares copy-on-write with its parent and answers
   by its exit status; the parent's copy must not change. */
#include "runtime/runtime.h"

static uint32_t table[4 * PAGE_BYTES / 4];

int run(void)
{
  uint32_t checksum = FOLD_START, seed = 12345;
  for (size_t i = 0; i < sizeof table / 4; i++)
    table[i] = next_random(&seed);
  uint32_t before = fold_bytes(FOLD_START, table, sizeof table);
  for (uint32_t n = scaled(200); n; n--) {
    long pid = fork_process();
    if (pid < 0)
      return 1;
    if (pid == 0) {
      for (size_t i = n % 7; i < sizeof table / 4; i += 64)
        table[i] += n;
      exit_process((int)(fold_bytes(n, table, 256) & 0x7f));
    }
    checksum = fold(checksum, (uint32_t)wait_for(pid));
  }
  if (fold_bytes(FOLD_START, table, sizeof table) != before)
    return 1;
  return report(checksum);
}
