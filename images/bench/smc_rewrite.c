/* Benchmark: self-modifying code: 16 small functions rewritten in turn, each called twice after. */
#include "runtime/runtime.h"

int run(void)
{
  uint32_t checksum = FOLD_START;
  uint8_t *code = map_pages(PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
  for (uint32_t n = scaled(50000); n; n--) {
    uint8_t *at = code + n % 16 * 32;
    uint32_t operand = n * 2654435761u;
    memcpy(at, "\x8b\x44\x24\x04\x35....\xc3", 10); /* mov 4(%esp),%eax; xor $operand,%eax; ret */
    memcpy(at + 5, &operand, 4);
    uint32_t (*function)(uint32_t) = (uint32_t(*)(uint32_t))at;
    checksum = fold(checksum, function(n) + function(checksum));
  }
  return report(checksum);
}
