/* What our static i386 programs stand on instead of a C library: system calls by int 0x80 (system call
   numbers and structures of Linux's i386 ABI), memory and text routines, a deterministic generator of
   input. No thread-local storage and no %gs anywhere, so that the programs also run where a hypervisor
   keeps %gs for itself. */
#ifndef PREVIRT_RUNTIME_H
#define PREVIRT_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096u
#define STATUS_SKIPPED 77 /* a device or processor feature that the program needs is absent */

enum {
  SYS_exit = 1, SYS_fork = 2, SYS_read = 3, SYS_write = 4, SYS_open = 5, SYS_close = 6, SYS_waitpid = 7,
  SYS_unlink = 10, SYS_execve = 11, SYS_time = 13, SYS_mknod = 14, SYS_lseek = 19, SYS_getpid = 20, SYS_mount = 21,
  SYS_alarm = 27, SYS_pause = 29, SYS_sync = 36, SYS_kill = 37, SYS_mkdir = 39, SYS_dup = 41, SYS_pipe = 42, SYS_umount2 = 52,
  SYS_ioctl = 54, SYS_dup2 = 63, SYS_getppid = 64, SYS_setsid = 66, SYS_reboot = 88, SYS_old_mmap = 90,
  SYS_munmap = 91, SYS_socketcall = 102, SYS_syslog = 103, SYS_wait4 = 114, SYS_fsync = 118, SYS_clone = 120,
  SYS_uname = 122, SYS_mprotect = 125, SYS_sched_yield = 158, SYS_rt_sigreturn = 173, SYS_rt_sigaction = 174,
  SYS_rt_sigprocmask = 175, SYS_getcwd = 183, SYS_gettid = 224, SYS_set_thread_area = 243, SYS_exit_group = 252,
  SYS_clock_gettime64 = 403
};

enum { O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0100, O_TRUNC = 01000 };
enum { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };
enum { MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20 };
enum { SIGILL = 4, SIGTRAP = 5, SIGFPE = 8, SIGUSR1 = 10, SIGSEGV = 11, SIGUSR2 = 12, SIGALRM = 14, SIGTERM = 15, SIGCHLD = 17 };
enum { SA_SIGINFO = 4, SA_NODEFER = 0x40000000 };

static inline long system_call(long number, long a, long b, long c, long d, long e)
{
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
  return result;
}
#define call0(n) system_call((n), 0, 0, 0, 0, 0)
#define call1(n, a) system_call((n), (long)(a), 0, 0, 0, 0)
#define call2(n, a, b) system_call((n), (long)(a), (long)(b), 0, 0, 0)
#define call3(n, a, b, c) system_call((n), (long)(a), (long)(b), (long)(c), 0, 0)
#define call4(n, a, b, c, d) system_call((n), (long)(a), (long)(b), (long)(c), (long)(d), 0)
#define call5(n, a, b, c, d, e) system_call((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

static inline long write_bytes(int fd, const void *from, size_t bytes) { return call3(SYS_write, fd, from, bytes); }
static inline long read_bytes(int fd, void *to, size_t bytes) { return call3(SYS_read, fd, to, bytes); }
static inline long open_file(const char *path, int flags) { return call3(SYS_open, path, flags, 0644); }
static inline void close_file(int fd) { call1(SYS_close, fd); }
static inline long fork_process(void) { return call0(SYS_fork); }
__attribute__((noreturn)) static inline void exit_process(int status)
{
  for (;;)
    call1(SYS_exit_group, status);
}

/* Waits for one child; returns its exit status, 128 + the signal that killed it, or a negative error. */
int wait_for(long pid);
/* Anonymous private memory, zeroed; ends the program when there is none. */
void *map_pages(size_t bytes, int protection);
void unmap_pages(void *at, size_t bytes);

/* Installs a handler; `flags` are SA_*. The handler may return. */
void on_signal(int signal, void (*handler)(int, void *, void *), unsigned flags);
/* Where a handler finds the interrupted EIP: ucontext at `context`, general register 14 of i386. */
#define CONTEXT_EIP(context) (((uint32_t *)(context))[5 + 14])
#define CONTEXT_CR2(context) (((uint32_t *)(context))[5 + 21])

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *text);
int text_equal(const char *a, const char *b);
uint32_t parse_number(const char *text);
void print_text(const char *text);
void print_hex(uint32_t value);
void print_decimal(uint32_t value);

/* A 32-bit xorshift generator: the same input on every machine. The state must not be 0. */
static inline uint32_t next_random(uint32_t *state)
{
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

/* Folds a word into a checksum (FNV-1a over words, with a rotation). */
static inline uint32_t fold(uint32_t checksum, uint32_t word)
{
  checksum = (checksum ^ word) * 16777619u;
  return (checksum << 5) | (checksum >> 27);
}
#define FOLD_START 2166136261u
uint32_t fold_bytes(uint32_t checksum, const void *from, size_t bytes);

/* `full` iterations at scale 100; the first argument of the program is the scale in percent. At least 1. */
uint32_t scaled(uint32_t full);
/* What the program was started with. */
extern char **program_arguments, **program_environment;

/* The program itself: prints its checksum with report() and returns its exit status. */
int run(void);
static inline int report(uint32_t checksum)
{
  print_hex(checksum);
  print_text("\n");
  return 0;
}

#endif
