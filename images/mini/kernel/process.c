/* Processes: fork, exec, exit, wait, and a round-robin scheduler over kernel stacks of one page.
 *
 * The kernel is not preempted: a process leaves the processor when it waits, ends, or is interrupted by the timer in
 * user mode. Process 0 is the idle loop, which halts until an interrupt.
 */
#include "kernel.h"
#include "machine.h"

extern void trap_return(void);
extern void switch_stacks(uint32_t *saved_stack, uint32_t stack);
extern uint32_t kernel_directory[1024];
extern char user_image_start[], user_image_end[];

static struct process processes[PROCESS_COUNT];
struct process *current;
static int next_id = 1;

static struct process *new_process(void) {
    for (int i = 1; i < PROCESS_COUNT; i++) {
        struct process *process = &processes[i];
        if (process->state != FREE) continue;
        memset(process, 0, sizeof *process);
        process->id = next_id++;
        process->stack = linear_address(allocate_frame());
        process->directory = create_space();
        return process;
    }
    return 0;
}

/* Puts `frame` on top of the new process's kernel stack, below it what switch_stacks takes off. */
static void prepare_stack(struct process *process, const struct frame *frame) {
    struct frame *copy = (struct frame *)((uint32_t)process->stack + 4096 - sizeof *copy);
    uint32_t *below = (uint32_t *)copy;
    memcpy(copy, frame, sizeof *copy);
    *--below = (uint32_t)trap_return;
    for (int i = 0; i < 4; i++) *--below = 0;
    *--below = 2;
    process->saved_stack = (uint32_t)below;
}

static void set_regions(struct process *process) {
    uint32_t image_end = USER_IMAGE_START + (uint32_t)(user_image_end - user_image_start);
    memset(process->regions, 0, sizeof process->regions);
    process->regions[0] = (struct region){USER_IMAGE_START, (image_end + 4095) & ~4095u, 1};
    process->regions[1] = (struct region){USER_STACK_TOP - USER_STACK_BYTES, USER_STACK_TOP, 1};
    process->map_next = USER_MAP_START;
}

static void set_user_registers(struct frame *frame) {
    memset(frame, 0, sizeof *frame);
    frame->es = frame->ds = frame->ss = USER_DS;
    frame->cs = USER_CS;
    frame->eflags = EFLAGS_IF | 2;
    frame->eip = USER_IMAGE_START;
    frame->esp = USER_STACK_TOP - 16;
}

static void set_arguments(struct process *process, const char *arguments) {
    uint32_t i = 0;
    for (; arguments[i] && i < sizeof process->arguments - 1; i++) process->arguments[i] = arguments[i];
    process->arguments[i] = 0;
}

void processes_start(void) {
    struct frame frame;
    processes[0].state = READY;
    processes[0].directory = physical_address(kernel_directory);
    processes[0].stack = linear_address(allocate_frame());
    fpu_clean(&processes[0]);
    current = &processes[0];
    struct process *init = new_process();
    set_regions(init);
    set_user_registers(&frame);
    prepare_stack(init, &frame);
    fpu_clean(init);
    init->state = READY;
    for (;;) {
        disable_interrupts();
        schedule();
        wait_for_interrupt();
    }
}

static struct process *choose(void) {
    int start = (int)(current - processes);
    for (int i = 1; i <= PROCESS_COUNT; i++) {
        struct process *candidate = &processes[(start + i) % PROCESS_COUNT];
        if (candidate != &processes[0] && candidate->state == READY) return candidate;
    }
    return &processes[0];
}

/* Called with interrupts disabled. */
void schedule(void) {
    struct process *previous = current, *next = choose();
    if (next == previous) return;
    fpu_save(previous);
    current = next;
    load_process_descriptors(next);
    write_cr3(next->directory);
    fpu_restore(next);
    switch_stacks(&previous->saved_stack, next->saved_stack);
}

void wait_on(const void *what) {
    current->waiting_for = what;
    current->state = WAITING;
    schedule();
}

void wake(const void *what) {
    for (int i = 1; i < PROCESS_COUNT; i++)
        if (processes[i].state == WAITING && processes[i].waiting_for == what) processes[i].state = READY;
}

int process_fork(const struct frame *frame) {
    uint32_t flags = save_and_disable_interrupts();
    struct process *child = new_process();
    if (!child) {
        write_flags(flags);
        return -1;
    }
    struct frame child_frame = *frame;
    child_frame.eax = 0;
    child->parent = current;
    memcpy(child->regions, current->regions, sizeof child->regions);
    memcpy(child->arguments, current->arguments, sizeof child->arguments);
    child->map_next = current->map_next;
    child->signal_entry = current->signal_entry;
    child->tls_base = current->tls_base;
    descriptors_share(child);
    fpu_save(current);
    memcpy(child->fpu, current->fpu, sizeof child->fpu);
    fpu_restore(current);
    copy_space(current->directory, child->directory);
    prepare_stack(child, &child_frame);
    child->state = READY;
    write_flags(flags);
    return child->id;
}

/* Replaces the program by a fresh copy of the image; `arguments` are already in kernel memory. */
int process_exec(struct frame *frame, const char *arguments) {
    set_arguments(current, arguments);
    uint32_t flags = save_and_disable_interrupts();
    uint32_t old = current->directory;
    current->directory = create_space();
    write_cr3(current->directory);
    destroy_space(old);
    set_regions(current);
    current->signal_entry = 0;
    current->pending_signals = 0;
    current->alarm_tick = 0;
    current->tls_base = 0;
    load_process_descriptors(current);
    fpu_clean(current);
    fpu_restore(current);
    write_flags(flags);
    set_user_registers(frame);
    return 0;
}

void process_exit(int status) {
    disable_interrupts();
    for (int i = 0; i < DESCRIPTOR_COUNT; i++) descriptor_close(current, i);
    for (int i = 1; i < PROCESS_COUNT; i++)
        if (processes[i].parent == current) processes[i].parent = 0;
    current->exit_status = status;
    current->state = DEAD;
    if (current->parent) wake(current->parent);
    schedule();
    panic("a dead process was scheduled", 0);
}

/* Waits for any child, frees it, and returns its number; -1 where there is none. */
int process_wait(int *status) {
    uint32_t flags = save_and_disable_interrupts();
    int result = -1;
    for (;;) {
        int children = 0;
        for (int i = 1; i < PROCESS_COUNT && result < 0; i++) {
            struct process *child = &processes[i];
            if (child->state == FREE || child->parent != current) continue;
            children++;
            if (child->state != DEAD) continue;
            *status = child->exit_status;
            result = child->id;
            destroy_space(child->directory);
            release_frame(physical_address(child->stack));
            child->state = FREE;
        }
        if (result >= 0 || children == 0) break;
        wait_on(current);
    }
    write_flags(flags);
    return result;
}

struct process *find_process(int id) {
    for (int i = 1; i < PROCESS_COUNT; i++)
        if (processes[i].state != FREE && processes[i].id == id) return &processes[i];
    return 0;
}

/* Alarms, from the timer interrupt. */
void process_tick(void) {
    for (int i = 1; i < PROCESS_COUNT; i++) {
        struct process *process = &processes[i];
        if (process->state == FREE || !process->alarm_tick || process->alarm_tick > ticks) continue;
        process->alarm_tick = 0;
        send_signal(process, 14);
    }
}
