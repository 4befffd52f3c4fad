/* /init that does one kind of event many times between two markers, after a warm-up: what entries per event are measured
   on. Behind `--` the kernel's command line has the number of events, and that of the two kinds that take longest.
   Started with the argument `exit` it ends at once: the program that `exec` starts. */
#include "runtime/runtime.h"

#define WARM_UP 200

static void marker(const char *kind, const char *name, const char *end)
{
  char line[80] = "previrt: ";
  size_t length = strlen(line);
  const char *words[] = {kind, " ", name, end, "\n"};
  for (unsigned n = 0; n < sizeof words / sizeof words[0]; n++) {
    memcpy(line + length, words[n], strlen(words[n]));
    length += strlen(words[n]);
  }
  write_bytes(1, line, length);
  call3(SYS_ioctl, 1, 0x5409, 1); /* TCSBRK: what was written has left the UART */
}

static void null_calls(uint32_t events)
{
  while (events--)
    call0(SYS_getppid);
}

/* Each touched page is one minor fault. */
static void minor_faults(uint32_t events)
{
  static uint8_t *next, *end;
  if (!next) {
    next = map_pages((events + 12000) * PAGE_BYTES, PROT_READ | PROT_WRITE);
    end = next + (events + 12000) * PAGE_BYTES;
  }
  for (; events-- && next < end; next += PAGE_BYTES)
    *(volatile uint8_t *)next = 1;
}

/* Two processes hand a byte to and fro: each turn is one write, one read and one switch. */
static int to_partner[2], from_partner[2];

static void start_partner(void)
{
  char byte;
  call1(SYS_pipe, to_partner);
  call1(SYS_pipe, from_partner);
  if (fork_process() == 0)
    while (read_bytes(to_partner[0], &byte, 1) == 1)
      write_bytes(from_partner[1], &byte, 1);
}

static void switches(uint32_t events)
{
  char byte = 0;
  for (events /= 2; events--;) {
    write_bytes(to_partner[1], &byte, 1);
    read_bytes(from_partner[0], &byte, 1);
  }
}

/* Timer ticks of 10 ms that find the processor in user mode; an iteration of REP is an instruction, one nanosecond long. */
static void ticks(uint32_t events)
{
  static uint8_t page[PAGE_BYTES];
  for (uint32_t n = 0; n < events; n++)
    for (uint32_t bytes = 10000000, some; bytes; bytes -= some) {
      void *to = page;
      uint32_t count = some = bytes < PAGE_BYTES ? bytes : PAGE_BYTES;
      __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(0) : "memory");
    }
}

static void processes(uint32_t events)
{
  static char *const words[] = {"/init", "exit", 0};
  while (events--) {
    long pid = fork_process();
    if (pid == 0) {
      call3(SYS_execve, "/init", words, program_environment);
      exit_process(127);
    }
    wait_for(pid);
  }
}

static const struct {
  const char *name;
  void (*events)(uint32_t);
  int is_long;
} kinds[] = {
  {"null_call", null_calls, 0}, {"minor_fault", minor_faults, 0}, {"switch", switches, 0}, {"tick", ticks, 1}, {"process", processes, 1},
};

int run(void)
{
  if (program_arguments[1] && text_equal(program_arguments[1], "exit"))
    return 0;
  if (!program_arguments[1] || !program_arguments[2])
    return 1;
  uint32_t wanted[] = {parse_number(program_arguments[1]), parse_number(program_arguments[2])};
  start_partner();
  for (unsigned n = 0; n < sizeof kinds / sizeof kinds[0]; n++) {
    uint32_t events = wanted[kinds[n].is_long];
    kinds[n].events(WARM_UP);
    marker("begin", kinds[n].name, "");
    kinds[n].events(events);
    marker("end", kinds[n].name, " 0 0");
  }
  call4(SYS_reboot, 0xfee1dead, 672274793, 0x1234567, 0);
  return 1;
}
