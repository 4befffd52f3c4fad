/* Benchmark: x87: matrix product, Horner's rule, square roots, comparison, conversion to whole numbers.
   Only operations that are rounded exactly, so that the checksum is the same on every processor. */
#include "runtime/runtime.h"

#define SIZE 24

int run(void)
{
  static double a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];
  uint32_t seed = 6, checksum = FOLD_START;
  for (int i = 0; i < SIZE; i++)
    for (int j = 0; j < SIZE; j++) {
      a[i][j] = (int)(next_random(&seed) % 2000) / 1000.0 - 1;
      b[i][j] = (int)(next_random(&seed) % 2000) / 1000.0 - 1;
    }
  for (uint32_t n = scaled(60); n; n--) {
    for (int i = 0; i < SIZE; i++)
      for (int j = 0; j < SIZE; j++) {
        double sum = 0;
        for (int k = 0; k < SIZE; k++)
          sum += a[i][k] * b[k][j];
        c[i][j] = sum;
      }
    for (int i = 0; i < SIZE; i++)
      for (int j = 0; j < SIZE; j++) {
        long double x = c[i][j], y = ((x * 0.25L + 0.5L) * x - 0.125L) * x + 3, root;
        __asm__("fsqrt" : "=t"(root) : "0"(y < 0 ? -y : y));
        a[i][j] = (double)(x / (root + 1));
        checksum += (uint32_t)(int)(root * 1000);
      }
    a[n % SIZE][3] += 0.5;
  }
  return report(fold_bytes(checksum, a, sizeof a));
}
