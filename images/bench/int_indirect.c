/* Benchmark: indirect calls through a table of 16 functions, in an order that no predictor knows. */
#include "runtime/runtime.h"

#define FUNCTION(number, expression)                                                                                   \
  __attribute__((noinline)) static uint32_t function_##number(uint32_t x) { return expression; }
FUNCTION(0, x + 3)
FUNCTION(1, x * 5)
FUNCTION(2, x ^ 0x55aa)
FUNCTION(3, x - 77)
FUNCTION(4, x << 1 | x >> 31)
FUNCTION(5, ~x)
FUNCTION(6, x + (x >> 3))
FUNCTION(7, x ^ x << 7)
FUNCTION(8, x * 9 + 1)
FUNCTION(9, x - (x >> 5))
FUNCTION(10, x | 1)
FUNCTION(11, x + 0x1234567)
FUNCTION(12, x >> 1 | x << 31)
FUNCTION(13, x ^ x >> 11)
FUNCTION(14, 0u - x)
FUNCTION(15, x * 3)

typedef uint32_t (*function)(uint32_t);
static function volatile table[16] = {function_0, function_1, function_2,  function_3,  function_4,  function_5,
                                      function_6, function_7, function_8,  function_9,  function_10, function_11,
                                      function_12, function_13, function_14, function_15};

int run(void)
{
  uint32_t seed = 77, value = 1;
  for (uint32_t n = scaled(8000000); n; n--)
    value = table[next_random(&seed) & 15](value);
  return report(value);
}
