/* Benchmark: direct calls and returns: doubly recursive Fibonacci and Ackermann's function. */
#include "runtime/runtime.h"

__attribute__((noinline, noclone, optimize("no-optimize-sibling-calls"))) static uint32_t fibonacci(uint32_t n)
{
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

__attribute__((noinline, noclone, optimize("no-optimize-sibling-calls"))) static uint32_t ackermann(uint32_t m, uint32_t n)
{
  if (m == 0)
    return n + 1;
  return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

int run(void)
{
  uint32_t checksum = FOLD_START;
  for (uint32_t n = scaled(250); n; n--)
    checksum = fold(fold(checksum, fibonacci(20 + n % 4)), ackermann(2, 100 + n % 50));
  return report(checksum);
}
