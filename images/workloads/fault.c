/* Workload: exceptions that reach a handler: page faults with their address (CR2), divide error, invalid
   opcode, breakpoint. The handler repairs the cause or steps over the instruction. */
#include "runtime/runtime.h"

static volatile uint32_t caught, checksum;
static uint8_t *guarded;

static void on_fault(int signal, void *information, void *context)
{
  (void)information;
  caught++;
  checksum = fold(checksum, (uint32_t)signal);
  if (signal == SIGSEGV) {
    uint32_t address = CONTEXT_CR2(context);
    checksum = fold(checksum, address - (uint32_t)guarded);
    call3(SYS_mprotect, address & ~(PAGE_BYTES - 1), PAGE_BYTES, PROT_READ | PROT_WRITE);
  } else if (signal != SIGTRAP) {
    CONTEXT_EIP(context) += 2; /* both `div %ecx` and `ud2` are two bytes long */
  }
}

int run(void)
{
  const uint32_t pages = 16;
  uint32_t rounds = scaled(300);
  checksum = FOLD_START;
  guarded = map_pages(pages * PAGE_BYTES, PROT_READ);
  on_signal(SIGSEGV, on_fault, 0);
  on_signal(SIGFPE, on_fault, 0);
  on_signal(SIGILL, on_fault, 0);
  on_signal(SIGTRAP, on_fault, 0);
  for (uint32_t n = 0; n < rounds; n++) {
    uint32_t page = n * 7 % pages;
    call3(SYS_mprotect, guarded, pages * PAGE_BYTES, PROT_READ);
    *(volatile uint32_t *)(guarded + page * PAGE_BYTES + n % 1000 * 4) = n;
    __asm__ volatile("xorl %%ecx,%%ecx\n\tmovl $1,%%eax\n\txorl %%edx,%%edx\n\tdivl %%ecx" ::: "eax", "ecx", "edx", "cc");
    __asm__ volatile("ud2");
    __asm__ volatile("int3");
  }
  if (caught != 4 * rounds)
    return 1;
  return report(checksum);
}
