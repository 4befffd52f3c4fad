// Steps the tracee through one instruction for each record on standard input and writes the record back with what came
// of it. Arguments: the tracee and its LDT.

#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

struct record {
  unsigned registers[8], eip, eflags;
  unsigned short cs, ds, es, ss, fs, gs;
  unsigned fs_base, gs_base, code_at;
  unsigned char code[16], memory[1024];
  int signal, signal_code;
  unsigned address, pad;
  struct user_fpregs_struct fx;
};

int main(int argc, char **argv) {
  if (argc < 2) return 1;
  int memory = memfd_create("steps", 0);
  if (memory < 0 || ftruncate(memory, 0x7000)) return 1;
  unsigned char *shared = mmap(0, 0x7000, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  dup2(memory, 9);
  pid_t child = fork();
  if (!child) {
    execv(argv[1], argv + 1);
    _exit(1);
  }
  int status;
  waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) {
    fprintf(stderr, "the tracee ended with %d\n", WEXITSTATUS(status));
    return 1;
  }
  struct user_regs_struct start;
  if (ptrace(PTRACE_GETREGS, child, 0, &start)) return 1;
  static struct record r;
  while (fread(&r, sizeof r, 1, stdin) == 1) {
    memset(shared, 0xf4, 0x2000);
    memset(shared + 0x2000, 0, 0x4000);
    memset(shared + 0x6000, 0x5a, 0x1000);
    memcpy(shared + (r.code_at & 0x1fff), r.code, sizeof r.code);
    memcpy(shared + 0x3e00, r.memory, sizeof r.memory);
    struct user_regs_struct u = start;
    u.rax = r.registers[0], u.rcx = r.registers[1], u.rdx = r.registers[2], u.rbx = r.registers[3];
    u.rsp = r.registers[4], u.rbp = r.registers[5], u.rsi = r.registers[6], u.rdi = r.registers[7];
    u.rip = r.eip, u.eflags = r.eflags, u.orig_rax = -1;
    u.cs = r.cs, u.ds = r.ds, u.es = r.es, u.ss = r.ss, u.fs = r.fs, u.gs = r.gs;
    u.fs_base = r.fs_base, u.gs_base = r.gs_base;
    if (ptrace(PTRACE_SETREGS, child, 0, &u) || ptrace(PTRACE_SETFPREGS, child, 0, &r.fx)) return 1;
    if (ptrace(PTRACE_SINGLESTEP, child, 0, 0)) return 1;
    waitpid(child, &status, 0);
    siginfo_t info;
    if (!WIFSTOPPED(status) || ptrace(PTRACE_GETSIGINFO, child, 0, &info)) return 1;
    if (ptrace(PTRACE_GETREGS, child, 0, &u) || ptrace(PTRACE_GETFPREGS, child, 0, &r.fx)) return 1;
    r.registers[0] = u.rax, r.registers[1] = u.rcx, r.registers[2] = u.rdx, r.registers[3] = u.rbx;
    r.registers[4] = u.rsp, r.registers[5] = u.rbp, r.registers[6] = u.rsi, r.registers[7] = u.rdi;
    r.eip = u.rip, r.eflags = u.eflags;
    r.cs = u.cs, r.ds = u.ds, r.es = u.es, r.ss = u.ss, r.fs = u.fs, r.gs = u.gs;
    memcpy(r.memory, shared + 0x3e00, sizeof r.memory);
    r.signal = WSTOPSIG(status), r.signal_code = info.si_code, r.address = (unsigned)(unsigned long)info.si_addr;
    fwrite(&r, sizeof r, 1, stdout);
  }
  kill(child, SIGKILL);
  return 0;
}
