/* Benchmark: an interpreter of a byte code: one jump through a table for each operation. */
#include "runtime/runtime.h"

enum { PUSH, ADD, MULTIPLY, XOR, DUPLICATE, SWAP, LOAD, STORE, LOOP, END };

static uint32_t interpret(const uint8_t *code, uint32_t rounds)
{
  uint32_t stack[16], *top = stack, variables[4] = {1, 2, 3, rounds};
  const uint8_t *at = code;
  for (;;) {
    switch (*at++) {
    case PUSH: *++top = *at++; break;
    case ADD: top--; *top += top[1]; break;
    case MULTIPLY: top--; *top *= top[1]; break;
    case XOR: top--; *top ^= top[1]; break;
    case DUPLICATE: top++; *top = top[-1]; break;
    case SWAP: { uint32_t kept = *top; *top = top[-1]; top[-1] = kept; break; }
    case LOAD: *++top = variables[*at++]; break;
    case STORE: variables[*at++] = *top--; break;
    case LOOP: if (--variables[3]) at = code; break;
    case END: return variables[0] ^ variables[1] ^ variables[2];
    }
  }
}

int run(void)
{
  static const uint8_t code[] = {LOAD, 0, PUSH, 13, MULTIPLY, LOAD, 1, ADD, DUPLICATE, STORE, 0, LOAD, 2, XOR, STORE, 1,
                                 LOAD, 2, LOAD, 0, SWAP, ADD, PUSH, 7, XOR, STORE, 2, LOOP, END};
  return report(interpret(code, scaled(700000)));
}
