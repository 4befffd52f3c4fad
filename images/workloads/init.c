/* /init of our Linux images: mounts, prints the markers that scripts wait for, runs what the kernel's
   command line selects, and resets the machine (with `reboot=k`: through the keyboard controller).

     shell            an interactive shell on the first serial port instead of workloads
     workload=a,b     these; workload=all: every one; nothing: a self-check of a few seconds
     bench=a,b        the same for the benchmark's jobs
     scale=N          per cent of the full number of iterations

   A job is /workloads/NAME or /bench/NAME: a program, or a script for the shell. The last word that it
   writes to its standard output is its checksum; lines that begin with "figure: " say what depends
   on time and are printed when the job has ended, behind its end marker. */
#include "runtime/runtime.h"
#include "jobs.h" /* generated: WORKLOADS and JOBS, names joined by commas */

#define SELF_CHECK "syscall,fork,exec,pipe,mmap,fault,signal,switch,fpu,smc,loop,sort"
#define SELF_CHECK_SCALE "20"

static char command_line[2048];
static char *const environment[] = {"PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/", "TERM=vt100", "PS1=# ", "TMPDIR=/tmp", 0};

/* Text after `key` (which ends in '=', or is a word of its own) on the command line, or 0. */
static const char *option(const char *key)
{
  size_t length = strlen(key);
  for (const char *at = command_line; *at; at++)
    if ((at == command_line || at[-1] == ' ') && !memcmp(at, key, length)) {
      char after = at[length];
      if (key[length - 1] == '=' || after == 0 || after == ' ')
        return at + length;
    }
  return 0;
}

static void copy_word(char *to, size_t room, const char *from)
{
  size_t n = 0;
  for (; from[n] && from[n] != ' ' && from[n] != ',' && n + 1 < room; n++)
    to[n] = from[n];
  to[n] = 0;
}

/* A marker has left the UART before what it announces begins: TCSBRK with a non-zero argument drains. */
static void print_marker(const char *const *words)
{
  char line[256] = "previrt:";
  size_t length = strlen(line);
  for (; *words; words++) {
    size_t n = strlen(*words);
    if (length + n + 2 > sizeof line)
      break;
    line[length++] = ' ';
    memcpy(line + length, *words, n);
    length += n;
  }
  line[length++] = '\n';
  write_bytes(1, line, length);
  call3(SYS_ioctl, 1, 0x5409, 1);
}

static void print_figures(const char *output, size_t length)
{
  static const char mark[] = "figure: ";
  for (size_t line = 0, end; line < length; line = end + 1) {
    for (end = line; end < length && output[end] != '\n'; end++)
      ;
    if (end < length && end - line > sizeof mark && !memcmp(output + line, mark, sizeof mark - 1))
      write_bytes(1, output + line, end + 1 - line);
  }
}

static void run_job(const char *folder, const char *name, const char *scale)
{
  char path[80], output[1024], checksum[80] = "-", status_text[12];
  int ends[2];
  size_t length = 0;
  memcpy(path, folder, strlen(folder));
  copy_word(path + strlen(folder), sizeof path - strlen(folder), name);
  const char *plain_name = path + strlen(folder);
  print_marker((const char *const[]){"begin", plain_name, 0});
  call1(SYS_pipe, ends);
  long pid = fork_process();
  if (pid == 0) {
    call2(SYS_dup2, ends[1], 1);
    close_file(ends[0]);
    close_file(ends[1]);
    call3(SYS_execve, path, ((const char *const[]){path, scale, 0}), environment);
    exit_process(127);
  }
  close_file(ends[1]);
  for (;;) { /* keeps the end of what the job writes */
    if (length > sizeof output / 2) {
      memcpy(output, output + length - sizeof output / 4, sizeof output / 4);
      length = sizeof output / 4;
    }
    long got = read_bytes(ends[0], output + length, sizeof output - length);
    if (got <= 0)
      break;
    length += (size_t)got;
  }
  close_file(ends[0]);
  int status = wait_for(pid);
  while (length && output[length - 1] <= ' ')
    length--;
  size_t start = length;
  while (start && output[start - 1] > ' ')
    start--;
  if (length - start > 0 && length - start < sizeof checksum) {
    memcpy(checksum, output + start, length - start);
    checksum[length - start] = 0;
  }
  int at = sizeof status_text - 1;
  status_text[at] = 0;
  do
    status_text[--at] = (char)('0' + status % 10);
  while (status /= 10);
  print_marker((const char *const[]){"end", plain_name, checksum, status_text + at, 0});
  print_figures(output, start);
}

static void run_selected(const char *folder, const char *names, const char *all, const char *scale)
{
  char word[64];
  copy_word(word, sizeof word, names);
  if (text_equal(word, "all"))
    names = all;
  for (;;) {
    copy_word(word, sizeof word, names);
    names += strlen(word);
    if (word[0])
      run_job(folder, word, scale);
    if (*names != ',' || !*++names)
      return;
  }
}

/* That it comes ends the wait for the shell. */
static void on_end(int signal, void *information, void *context)
{
  (void)signal;
  (void)information;
  (void)context;
}

/* Until the shell ends, or one of busybox's halt, poweroff and reboot is called in it. */
static void run_shell(void)
{
  on_signal(SIGUSR1, on_end, 0);
  on_signal(SIGUSR2, on_end, 0);
  on_signal(SIGTERM, on_end, 0);
  long pid = fork_process();
  if (pid == 0) {
    call0(SYS_setsid);
    long terminal = open_file("/dev/ttyS0", O_RDWR);
    if (terminal >= 0) {
      call3(SYS_ioctl, terminal, 0x540e, 0); /* TIOCSCTTY */
      for (int fd = 0; fd < 3; fd++)
        call2(SYS_dup2, terminal, fd);
    }
    call3(SYS_execve, "/bin/sh", ((const char *const[]){"-sh", 0}), environment);
    exit_process(127);
  }
  while (wait_for(-1) >= 0)
    ;
}

int run(void)
{
  char scale[16] = "100";
  call5(SYS_mount, "proc", "/proc", "proc", 0, 0);
  call5(SYS_mount, "sysfs", "/sys", "sysfs", 0, 0);
  call5(SYS_mount, "devtmpfs", "/dev", "devtmpfs", 0, 0);
  call5(SYS_mount, "tmpfs", "/tmp", "tmpfs", 0, 0);
  long fd = open_file("/proc/cmdline", O_RDONLY);
  long length = read_bytes((int)fd, command_line, sizeof command_line - 1);
  close_file((int)fd);
  while (length > 0 && command_line[length - 1] == '\n')
    command_line[--length] = 0;
  const char *workloads = option("workload="), *jobs = option("bench="), *wanted_scale = option("scale=");
  if (wanted_scale)
    copy_word(scale, sizeof scale, wanted_scale);
  call3(SYS_syslog, 8, 0, 1); /* only emergencies on the console: no kernel message inside a marker */
  print_marker((const char *const[]){"userland", 0});
  if (option("shell"))
    run_shell();
  else {
    if (workloads)
      run_selected("/workloads/", workloads, WORKLOADS, scale);
    if (jobs)
      run_selected("/bench/", jobs, JOBS, scale);
    if (!workloads && !jobs)
      run_selected("/workloads/", SELF_CHECK, WORKLOADS, wanted_scale ? scale : SELF_CHECK_SCALE);
  }
  print_marker((const char *const[]){"done", 0});
  call0(SYS_sync);
  call4(SYS_reboot, 0xfee1dead, 672274793, 0x1234567, 0);
  for (;;)
    call0(SYS_pause);
}
