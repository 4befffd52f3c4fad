/* Processes, memory, signals and output over system_call(). Errors that no workload can do anything about
   end the program with status 1 and a line that names the call. */
#include "runtime.h"

int wait_for(long pid)
{
  int status = 0;
  long result = call4(SYS_wait4, pid, &status, 0, 0);
  if (result < 0)
    return (int)result;
  return status & 0x7f ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
}

void *map_pages(size_t bytes, int protection)
{
  uint32_t arguments[6] = {0, bytes, (uint32_t)protection, MAP_PRIVATE | MAP_ANONYMOUS, (uint32_t)-1, 0};
  uint32_t at = (uint32_t)call1(SYS_old_mmap, arguments);
  if (at > 0xfffff000u) {
    print_text("mmap failed\n");
    exit_process(1);
  }
  return (void *)at;
}

void unmap_pages(void *at, size_t bytes)
{
  call2(SYS_munmap, at, bytes);
}

struct kernel_sigaction {
  void (*handler)(int, void *, void *);
  uint32_t flags;
  void (*restorer)(void);
  uint32_t mask[2];
};

/* Non-RT frames are never used: SA_SIGINFO is always set, so rt_sigreturn is the way back. */
__asm__(".globl signal_return\nsignal_return:\n\tmovl $173,%eax\n\tint $0x80\n");
void signal_return(void);

void on_signal(int signal, void (*handler)(int, void *, void *), unsigned flags)
{
  struct kernel_sigaction action = {handler, flags | SA_SIGINFO | 0x04000000u, signal_return, {0, 0}};
  if (call4(SYS_rt_sigaction, signal, &action, 0, 8) < 0) {
    print_text("rt_sigaction failed\n");
    exit_process(1);
  }
}

void print_text(const char *text)
{
  write_bytes(1, text, strlen(text));
}

void print_hex(uint32_t value)
{
  char text[9];
  for (int i = 0; i < 8; i++)
    text[i] = "0123456789abcdef"[(value >> (28 - 4 * i)) & 15];
  text[8] = 0;
  print_text(text);
}

void print_decimal(uint32_t value)
{
  char text[11];
  int at = 10;
  text[at] = 0;
  do
    text[--at] = (char)('0' + value % 10);
  while (value /= 10);
  print_text(text + at);
}
