/* Workload: x87 arithmetic in two processes that are switched between, so that each switch saves and
   restores 80-bit registers. Only operations that IEEE 754 rounds exactly: + - * / and square root. */
#include "runtime/runtime.h"

static uint32_t fold_extended(uint32_t checksum, long double value)
{
  uint8_t bytes[12];
  memcpy(bytes, &value, 10);
  return fold_bytes(checksum, bytes, 10);
}

static long double square_root(long double value)
{
  __asm__("fsqrt" : "+t"(value));
  return value;
}

static uint32_t compute(uint32_t rounds, uint32_t seed)
{
  uint32_t checksum = FOLD_START;
  long double sum = 1, x = (long double)seed / 3;
  for (uint32_t n = 1; n <= rounds; n++) {
    sum += square_root(x * x + (long double)n) / (long double)(n + 1);
    x = x * 0.9999L + 1.0L / (sum + (long double)n);
    if (n % 64 == 0) {
      call0(SYS_sched_yield); /* the other process computes while our registers are saved */
      checksum = fold_extended(fold_extended(checksum, sum), x);
    }
  }
  return fold_extended(checksum, sum);
}

int run(void)
{
  uint32_t rounds = scaled(60000);
  int ends[2];
  call1(SYS_pipe, ends);
  long pid = fork_process();
  uint32_t mine = compute(rounds, pid == 0 ? 5 : 11), theirs = 0;
  if (pid == 0) {
    write_bytes(ends[1], &mine, 4);
    exit_process(0);
  }
  if (read_bytes(ends[0], &theirs, 4) != 4 || wait_for(pid) != 0 || theirs != compute(rounds, 5))
    return 1;
  return report(fold(mine, theirs));
}
