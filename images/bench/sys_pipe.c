/* Benchmark: one byte to another process and back: two system calls and a context switch each way. */
#include "runtime/runtime.h"

int run(void)
{
  int there[2], back[2];
  uint8_t byte = 1;
  uint32_t rounds = scaled(5000), checksum = FOLD_START;
  call1(SYS_pipe, there);
  call1(SYS_pipe, back);
  long pid = fork_process();
  if (pid == 0) {
    for (uint32_t n = rounds; n; n--) {
      read_bytes(there[0], &byte, 1);
      byte = (uint8_t)(byte * 5 + 3);
      write_bytes(back[1], &byte, 1);
    }
    exit_process(0);
  }
  for (uint32_t n = rounds; n; n--) {
    if (write_bytes(there[1], &byte, 1) != 1 || read_bytes(back[0], &byte, 1) != 1)
      return 1;
    checksum = fold(checksum, byte);
  }
  wait_for(pid);
  return report(checksum);
}
