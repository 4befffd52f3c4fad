/* Benchmark: sorting by comparison: quicksort with insertion sort below 12 elements, through a comparison
   function given by pointer. */
#include "runtime/runtime.h"

#define COUNT 20000
static uint32_t values[COUNT];

static int ascending(const uint32_t *a, const uint32_t *b)
{
  return *a < *b ? -1 : *a > *b;
}

static void sort(uint32_t *from, uint32_t *to, int (*compare)(const uint32_t *, const uint32_t *))
{
  while (to - from > 12) {
    uint32_t pivot = from[(to - from) / 2], *low = from, *high = to - 1;
    while (low <= high) {
      while (compare(low, &pivot) < 0)
        low++;
      while (compare(high, &pivot) > 0)
        high--;
      if (low <= high) {
        uint32_t kept = *low;
        *low++ = *high;
        *high-- = kept;
      }
    }
    sort(from, high + 1, compare);
    from = low;
  }
  for (uint32_t *at = from + 1; at < to; at++) {
    uint32_t moved = *at, *place = at;
    for (; place > from && compare(place - 1, &moved) > 0; place--)
      *place = place[-1];
    *place = moved;
  }
}

int run(void)
{
  uint32_t seed = 17, checksum = FOLD_START;
  int (*volatile compare)(const uint32_t *, const uint32_t *) = ascending;
  for (uint32_t n = scaled(45); n; n--) {
    for (uint32_t i = 0; i < COUNT; i++)
      values[i] = next_random(&seed);
    sort(values, values + COUNT, compare);
    for (uint32_t i = 1; i < COUNT; i++)
      if (values[i - 1] > values[i])
        return 1;
    checksum = fold(fold(checksum, values[COUNT / 2]), values[n]);
  }
  return report(checksum);
}
