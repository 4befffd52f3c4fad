/* Entry of our static programs: the initial stack of the i386 System V ABI (argc, argv, envp) becomes
   program_arguments and program_environment; run()'s result is the exit status. */
#include "runtime.h"

char **program_arguments, **program_environment;
static uint32_t scale_percent = 100;

__asm__(".globl _start\n_start:\n\txorl %ebp,%ebp\n\tmovl %esp,%eax\n\tandl $-16,%esp\n\tsubl $12,%esp\n"
        "\tpushl %eax\n\tcall start_program\n");

__attribute__((noreturn, used)) void start_program(uint32_t *stack)
{
  uint32_t count = stack[0];
  program_arguments = (char **)(stack + 1);
  program_environment = program_arguments + count + 1;
  if (count > 1 && program_arguments[1][0] >= '0' && program_arguments[1][0] <= '9')
    scale_percent = parse_number(program_arguments[1]);
  exit_process(run());
}

uint32_t scaled(uint32_t full)
{
  uint32_t whole = full / 100 * scale_percent + full % 100 * scale_percent / 100;
  return whole ? whole : 1;
}
