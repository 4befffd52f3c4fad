/* Workload: thread-local storage by a GDT entry of the process (set_thread_area) and %gs, kept apart
   between two processes that are switched between. The one program here that uses %gs. */
#include "runtime/runtime.h"

struct user_descriptor {
  uint32_t entry_number, base, limit, flags;
};
enum { DESCRIPTOR_32BIT = 1, DESCRIPTOR_LIMIT_IN_PAGES = 0x10, DESCRIPTOR_USEABLE = 0x40 };

static uint32_t block[64];

static uint32_t load(uint32_t offset)
{
  uint32_t value;
  __asm__ volatile("movl %%gs:(%1),%0" : "=r"(value) : "r"(offset));
  return value;
}

static int use_block(void)
{
  struct user_descriptor descriptor = {(uint32_t)-1, (uint32_t)block, 0xfffff,
                                       DESCRIPTOR_32BIT | DESCRIPTOR_LIMIT_IN_PAGES | DESCRIPTOR_USEABLE};
  if (call1(SYS_set_thread_area, &descriptor) != 0)
    return 0;
  __asm__ volatile("movw %w0,%%gs" ::"r"(descriptor.entry_number * 8 + 3));
  return 1;
}

int run(void)
{
  uint32_t rounds = scaled(4000), checksum = FOLD_START;
  if (!use_block())
    return STATUS_SKIPPED;
  long pid = fork_process();
  uint32_t mark = pid == 0 ? 0x1000 : 0x2000;
  for (uint32_t i = 0; i < 64; i++)
    block[i] = mark + i;
  for (uint32_t n = 0; n < rounds; n++) {
    call0(SYS_sched_yield);
    uint32_t value = load(n % 64 * 4);
    if (value != mark + n % 64)
      exit_process(1);
    checksum = fold(checksum, value);
  }
  if (pid == 0)
    exit_process(0);
  if (wait_for(pid) != 0)
    return 1;
  return report(checksum);
}
