/* What the files of the mini kernel share: the frame, processes, and one line for each function that crosses files. */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdint.h>

#include "layout.h"

#define PROCESS_COUNT 24
#define DESCRIPTOR_COUNT 8
#define REGION_COUNT 16
#define COMMAND_LINE_BYTES 256

/* Registers as the stubs of vectors.S leave them; esp and ss only when the entry came from CPL 3. */
struct frame {
    uint32_t gs, es, ds;
    uint32_t edi, esi, ebp, ignored_esp, ebx, edx, ecx, eax;
    uint32_t vector, error;
    uint32_t eip, cs, eflags, esp, ss;
};

enum process_state { FREE = 0, READY, WAITING, DEAD };

struct region {
    uint32_t start, end;
    int writable;
};

struct pipe;

struct process {
    enum process_state state;
    int id;
    struct process *parent;
    uint32_t directory;  /* physical address of the page directory */
    uint32_t *stack;     /* one page */
    uint32_t saved_stack;
    const void *waiting_for;
    int exit_status;
    struct region regions[REGION_COUNT];
    uint32_t map_next;
    struct pipe *descriptors[DESCRIPTOR_COUNT];
    uint8_t writable_descriptors[DESCRIPTOR_COUNT];
    uint32_t signal_entry;
    uint32_t pending_signals;
    uint32_t alarm_tick;
    uint32_t tls_base;
    char arguments[64];
    uint8_t fpu[512] __attribute__((aligned(16)));
};

extern struct process *current;
extern volatile uint32_t ticks;
extern char command_line[COMMAND_LINE_BYTES];
extern uint32_t processor_features;
extern volatile int self_check_interrupts;
extern volatile int last_fault;

/* string.c */
void *memcpy(void *to, const void *from, uint32_t count);
void *memset(void *to, int value, uint32_t count);

/* console.c */
void console_start(void);
void console_write(const char *text, uint32_t count);
void console_print(const char *text);
void console_print_number(uint32_t value, uint32_t base);
void console_interrupt(void);
int console_read(char *to, uint32_t count);
__attribute__((noreturn)) void panic(const char *reason, const struct frame *frame);
__attribute__((noreturn)) void power_off(int status);

/* memory.c */
void memory_start(uint32_t bytes);
uint32_t allocate_frame(void);
void share_frame(uint32_t physical);
void release_frame(uint32_t physical);
int frame_shares(uint32_t physical);
uint32_t free_frames(void);
static inline void *linear_address(uint32_t physical) { return (void *)(physical + KERNEL_OFFSET); }
static inline uint32_t physical_address(const void *linear) { return (uint32_t)linear - KERNEL_OFFSET; }

/* paging.c */
void paging_start(void);
uint32_t create_space(void);
void copy_space(uint32_t from_directory, uint32_t to_directory);
void destroy_space(uint32_t directory);
void unmap_range(uint32_t directory, uint32_t start, uint32_t end);
int resolve_fault(struct process *process, uint32_t address, uint32_t error);
int referenced_pages(uint32_t directory, uint32_t start, uint32_t end);
int user_range_ok(uint32_t start, uint32_t count);
int check_invalidation(void);

/* descriptors.c */
extern uint32_t gdt[16];
extern uint32_t idt[512];
extern uint32_t ldt[4];
extern uint32_t task_state[26];
void descriptors_start(void);
void load_process_descriptors(const struct process *process);
void clear_task_busy(void);

/* traps.c */
void trap(struct frame *frame);
int sysenter_trap(struct frame *frame);

/* interrupts.c */
void interrupts_start(void);
void interrupt(uint32_t line);

/* process.c */
void processes_start(void);
void schedule(void);
void wait_on(const void *what);
void wake(const void *what);
int process_fork(const struct frame *frame);
int process_exec(struct frame *frame, const char *arguments);
int process_wait(int *status);
__attribute__((noreturn)) void process_exit(int status);
struct process *find_process(int id);
void process_tick(void);

/* fpu.c */
void fpu_start(void);
void fpu_clean(struct process *process);
void fpu_save(struct process *process);
void fpu_restore(const struct process *process);

/* signals.c */
void send_signal(struct process *process, int signal);
void deliver_signals(struct frame *frame);
int deliver_upcall(struct frame *frame, int signal, uint32_t address, uint32_t error);
int signal_return(struct frame *frame, uint32_t context);

/* pipes.c */
int pipe_create(int *descriptors);
int pipe_read(int descriptor, char *to, uint32_t count);
int pipe_write(int descriptor, const char *from, uint32_t count);
int descriptor_close(struct process *process, int descriptor);
void descriptors_share(struct process *child);

/* system-calls.c */
void system_call(struct frame *frame);

/* sensitive.c, sensitive-segments.c */
int check_sensitive(void);
int check_tables(void);
int check_segment_moves(void);
int check_far_pointers(void);
int check_selector_queries(void);
int check_far_transfers(void);
int check_fpu_instructions(void);

/* repeated.c */
int repeat_class(uint32_t class, uint32_t count);

#endif
