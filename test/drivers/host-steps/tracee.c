// The 32-bit process whose instructions the tracer steps: maps the shared memory (descriptor 9) at the addresses of
// host-steps.ts, makes the LDT given on the command line (eight numbers an entry: base, limit, 32-bit, contents, read or
// execute only, pages, absent) and stops.

#include <asm/ldt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
  void *code = mmap((void *)0x10000000, 0x2000, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_FIXED, 9, 0);
  void *data = mmap((void *)0x20000000, 0x4000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, 9, 0x2000);
  void *fixed = mmap((void *)0x30000000, 0x1000, PROT_READ, MAP_SHARED | MAP_FIXED, 9, 0x6000);
  // The middle of the data once more, as the beginning and the end of 64 KiB.
  mmap((void *)0x28000000, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, 9, 0x4000);
  mmap((void *)0x2800f000, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, 9, 0x3000);
  if (code == MAP_FAILED || data == MAP_FAILED || fixed == MAP_FAILED) return 1;
  for (int i = 0; 7 * i + 7 < argc; i++) {
    unsigned v[7];
    for (int k = 0; k < 7; k++) v[k] = strtoul(argv[1 + 7 * i + k], 0, 0);
    struct user_desc entry = {i, v[0], v[1], v[2], v[3], v[4], v[5], v[6], 1};
    if (syscall(SYS_modify_ldt, 1, &entry, sizeof entry)) return 2;
  }
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  raise(SIGSTOP);
  return 3;
}
