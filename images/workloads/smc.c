/* Workload: self-modifying code: functions written, run, patched in place and run again; a patch in the
   instruction right behind the store that makes it (executed after a jump, as the SDM asks, vol. 3, 8.1.3);
   data beside code; two mappings of fresh code at the same address one after the other. */
#include "runtime/runtime.h"

typedef uint32_t (*function)(void);

/* mov $value,%eax; ret */
static void write_constant(uint8_t *at, uint32_t value)
{
  at[0] = 0xb8;
  memcpy(at + 1, &value, 4);
  at[5] = 0xc3;
}

int run(void)
{
  uint32_t checksum = FOLD_START, rounds = scaled(2000), seed = 3;
  uint8_t *code = map_pages(2 * PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
  uint32_t *data = (uint32_t *)(code + 2048);
  for (uint32_t n = 0; n < rounds; n++) {
    uint32_t slot = n % 16 * 64, value = next_random(&seed);
    write_constant(code + slot, value);
    if (((function)(code + slot))() != value)
      return 1;
    memcpy(code + slot + 1, &n, 4); /* the operand alone */
    if (((function)(code + slot))() != n)
      return 1;
    data[n % 64] += n; /* same page as code, never executed */
    uint8_t *across = code + PAGE_BYTES - 3; /* an instruction across two pages */
    write_constant(across, value ^ n);
    checksum = fold(checksum, ((function)across)());
  }
  checksum = fold_bytes(checksum, data, 256);
  /* mov 4(%esp),%eax; mov %eax,operand; jmp +0; mov $operand,%eax; ret: stores right in front of itself. */
  static const uint8_t ahead[] = {0x8b, 0x44, 0x24, 4, 0xa3, 0, 0, 0, 0, 0xeb, 0, 0xb8, 0, 0, 0, 0, 0xc3};
  memcpy(code, ahead, sizeof ahead);
  uint32_t operand = (uint32_t)code + 12;
  memcpy(code + 5, &operand, 4);
  for (uint32_t n = 0; n < rounds; n++)
    if (((uint32_t(*)(uint32_t))code)(n) != n)
      return 1;
  for (uint32_t n = scaled(50); n; n--) {
    unmap_pages(code, 2 * PAGE_BYTES);
    code = map_pages(2 * PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
    write_constant(code, n);
    checksum = fold(checksum, ((function)code)());
  }
  return report(checksum);
}
