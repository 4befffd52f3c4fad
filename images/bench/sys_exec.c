/* Benchmark: fork and execve of a small static program (this one). */
#include "runtime/runtime.h"

int run(void)
{
  uint32_t checksum = FOLD_START;
  if (program_arguments[1] && program_arguments[2])
    return 7;
  for (uint32_t n = scaled(150); n; n--) {
    long pid = fork_process();
    if (pid == 0) {
      call3(SYS_execve, program_arguments[0], ((const char *const[]){program_arguments[0], "1", "1", 0}), program_environment);
      exit_process(127);
    }
    checksum = fold(checksum, (uint32_t)wait_for(pid) + n);
  }
  return report(checksum);
}
