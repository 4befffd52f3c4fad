/* Workload: a stream through a pipe between two processes, in pieces of changing size. */
#include "runtime/runtime.h"

static uint8_t buffer[3 * PAGE_BYTES];

int run(void)
{
  int ends[2];
  uint32_t total = scaled(2000000), seed = 99, checksum = FOLD_START, received = 0;
  if (call1(SYS_pipe, ends) < 0)
    return 1;
  long pid = fork_process();
  if (pid == 0) {
    close_file(ends[0]);
    for (uint32_t sent = 0; sent < total;) {
      uint32_t bytes = 1 + next_random(&seed) % sizeof buffer;
      if (bytes > total - sent)
        bytes = total - sent;
      for (uint32_t i = 0; i < bytes; i++)
        buffer[i] = (uint8_t)((sent + i) * 7 + ((sent + i) >> 8));
      for (uint32_t at = 0; at < bytes;) {
        long wrote = write_bytes(ends[1], buffer + at, bytes - at);
        if (wrote <= 0)
          exit_process(1);
        at += (uint32_t)wrote;
      }
      sent += bytes;
    }
    exit_process(0);
  }
  close_file(ends[1]);
  for (long got; (got = read_bytes(ends[0], buffer, sizeof buffer)) > 0; received += (uint32_t)got)
    checksum = fold_bytes(checksum, buffer, (size_t)got);
  if (wait_for(pid) != 0 || received != total)
    return 1;
  return report(checksum);
}
