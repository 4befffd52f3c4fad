/* Workload: signals a process sends to itself and to its child, with registers and flags intact. */
#include "runtime/runtime.h"

static volatile uint32_t received;

static void on_user_signal(int signal, void *information, void *context)
{
  (void)information;
  (void)context;
  received += (uint32_t)signal;
}

int run(void)
{
  uint32_t rounds = scaled(5000), checksum = FOLD_START;
  long self = call0(SYS_getpid);
  on_signal(SIGUSR1, on_user_signal, 0);
  on_signal(SIGUSR2, on_user_signal, SA_NODEFER);
  for (uint32_t n = 0; n < rounds; n++) {
    uint32_t kept = n * 2654435761u;
    if (call2(SYS_kill, self, n & 1 ? SIGUSR1 : SIGUSR2) != 0 || kept != n * 2654435761u)
      return 1;
    checksum = fold(checksum, received);
  }
  for (uint32_t n = scaled(50); n; n--) {
    long pid = fork_process();
    if (pid == 0)
      for (;;)
        call0(SYS_pause);
    call2(SYS_kill, pid, 9);
    checksum = fold(checksum, (uint32_t)wait_for(pid));
  }
  return report(checksum);
}
