/* Workload: context switches: a token goes round a ring of processes joined by pipes. */
#include "runtime/runtime.h"

#define MEMBERS 4

int run(void)
{
  int ring[MEMBERS][2];
  uint32_t rounds = scaled(2000), token = FOLD_START;
  for (int i = 0; i < MEMBERS; i++)
    if (call1(SYS_pipe, ring[i]) < 0)
      return 1;
  for (int member = 1; member < MEMBERS; member++)
    if (fork_process() == 0) {
      for (uint32_t n = rounds; n; n--) {
        if (read_bytes(ring[member - 1][0], &token, 4) != 4)
          exit_process(1);
        token = fold(token, (uint32_t)member);
        write_bytes(ring[member][1], &token, 4);
      }
      exit_process(0);
    }
  for (uint32_t n = rounds; n; n--) {
    token = fold(token, n);
    if (write_bytes(ring[0][1], &token, 4) != 4 || read_bytes(ring[MEMBERS - 1][0], &token, 4) != 4)
      return 1;
  }
  for (int member = 1; member < MEMBERS; member++)
    if (wait_for(-1) != 0)
      return 1;
  return report(token);
}
