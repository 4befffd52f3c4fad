/* What the mini user program's files share: system calls, printing, and the list of workloads. */
#ifndef USER_H
#define USER_H

#include <stdint.h>

/* As kernel/signals.c builds it. */
struct context {
    uint32_t signal, address, error;
    uint32_t edi, esi, ebp, ebx, edx, ecx, eax, eip, eflags, esp;
};

struct result {
    uint32_t checksum;
    int status;
};

struct workload {
    const char *name;
    struct result (*run)(uint32_t scale);
};

extern const struct workload kernel_workloads[], processor_workloads[], compute_workloads[], repeated_workloads[];
extern void (*upcall_handler)(struct context *context);

int32_t system_call_by_interrupt(uint32_t number, uint32_t a, uint32_t b, uint32_t c);
int32_t system_call_by_sysenter(uint32_t number, uint32_t a, uint32_t b, uint32_t c);
void upcall_entry(void);
void upcall(struct context *context);

enum {
    CALL_EXIT = 1, CALL_FORK, CALL_READ, CALL_WRITE, CALL_EXEC, CALL_CLOSE, CALL_WAIT, CALL_PIPE, CALL_ID, CALL_MAP,
    CALL_UNMAP, CALL_KILL, CALL_HANDLER, CALL_RETURN, CALL_YIELD, CALL_TLS, CALL_ALARM, CALL_POWER_OFF,
    CALL_COMMAND_LINE, CALL_ARGUMENTS, CALL_SENSITIVE, CALL_REFERENCED, CALL_HAS_SYSENTER, CALL_FREE_FRAMES, CALL_SLEEP,
    CALL_REPEAT,
};

/* string.c */
void *memcpy(void *to, const void *from, uint32_t count);
void *memset(void *to, int value, uint32_t count);
uint32_t string_length(const char *text);
int string_equal(const char *a, const char *b);
int starts_with(const char *text, const char *prefix);
uint32_t parse_number(const char *text);
void print(const char *text);
void print_number(uint32_t value);
void print_checksum(uint32_t value);
/* FNV-1a over the four bytes of `value`. */
uint32_t mix(uint32_t checksum, uint32_t value);

#define MIX_START 0x811C9DC5u

static inline int32_t call(uint32_t number, uint32_t a, uint32_t b, uint32_t c) {
    return system_call_by_interrupt(number, a, b, c);
}

/* shell.c */
void shell(void);

/* main.c */
int run_workload(const char *name, uint32_t length, uint32_t scale);

#endif
