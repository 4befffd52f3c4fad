/* Benchmark: a signal to oneself, its handler, and the way back. */
#include "runtime/runtime.h"

static volatile uint32_t received;

static void count(int signal, void *information, void *context)
{
  (void)information;
  (void)context;
  received += (uint32_t)signal;
}

int run(void)
{
  long self = call0(SYS_getpid);
  on_signal(SIGUSR1, count, 0);
  for (uint32_t n = scaled(15000); n; n--)
    call2(SYS_kill, self, SIGUSR1);
  return report(received);
}
