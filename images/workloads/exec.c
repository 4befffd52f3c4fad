/* Workload: fork and execve of this very program with a second argument, which it answers by its exit
   status: argument and environment pages, ELF loading and tearing down of address spaces. */
#include "runtime/runtime.h"

int run(void)
{
  if (program_arguments[1] && program_arguments[2])
    return (int)((parse_number(program_arguments[2]) * 37 + 5) & 0x7f);
  uint32_t checksum = FOLD_START;
  for (uint32_t n = scaled(100); n; n--) {
    char number[4] = {(char)('0' + n / 100 % 10), (char)('0' + n / 10 % 10), (char)('0' + n % 10), 0};
    long pid = fork_process();
    if (pid == 0) {
      call3(SYS_execve, program_arguments[0], ((const char *const[]){program_arguments[0], "100", number, 0}),
            program_environment);
      exit_process(127);
    }
    int status = wait_for(pid);
    if (status != (int)((parse_number(number) * 37 + 5) & 0x7f))
      return 1;
    checksum = fold(checksum, (uint32_t)status);
  }
  return report(checksum);
}
