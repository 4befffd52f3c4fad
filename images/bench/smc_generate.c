/* Benchmark: code generation as a just-in-time compiler does it: a fresh straight-line function of about
   400 bytes in a new place each time, run a few hundred times. */
#include "runtime/runtime.h"

#define ROOM 65536

int run(void)
{
  uint32_t seed = 71, value = 1, at = 0;
  uint8_t *code = map_pages(ROOM, PROT_READ | PROT_WRITE | PROT_EXEC);
  for (uint32_t n = scaled(700); n; n--) {
    if (at + 512 > ROOM)
      at = 0;
    uint8_t *start = code + at, *to = start;
    memcpy(to, "\x8b\x44\x24\x04", 4); /* mov 4(%esp),%eax */
    to += 4;
    for (int i = 0; i < 80; i++) {
      static const uint8_t operations[4] = {0x05, 0x2d, 0x35, 0x69}; /* add, sub, xor $n,%eax; imul $n,%eax,%eax */
      uint32_t operand = next_random(&seed), which = operand >> 8 & 3;
      *to++ = operations[which];
      if (which == 3)
        *to++ = 0xc0;
      operand |= 1;
      memcpy(to, &operand, 4);
      to += 4;
    }
    *to++ = 0xc3;
    for (int i = 0; i < 300; i++)
      value = ((uint32_t(*)(uint32_t))start)(value);
    at += (uint32_t)(to - start + 15) & ~15u;
  }
  return report(value);
}
