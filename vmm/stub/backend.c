/* The back end that is none: it does what a function must do to be unit-tested around, and counts. Memory is mapped with
 * mmap; nothing ever enters the guest. See stub.h.
 */
#define _GNU_SOURCE
#include "stub.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "../front/front.h"

uint64_t stub_time, stub_deadline;
uint32_t stub_idled;
char stub_console[4096];
const char backend_exit_start[1], backend_exit_end[1];
static int memory;
static uint32_t *all;
static jmp_buf leave;

static void *show(uint32_t linear, uint32_t frame, int protection) {
    void *at = mmap((void *)linear, 4096, protection, MAP_SHARED | MAP_FIXED, memory, (off_t)frame << 12);
    if (at != (void *)linear) perror("mmap"), exit(1);
    return at;
}

uint32_t *stub_frame(uint32_t frame) { return all + frame * 1024; }

void backend_window(uint32_t slot, uint32_t frame) { show(WINDOW_FRAMES + slot * 4096, frame, PROT_READ | PROT_WRITE); }
void backend_window_ahead(uint32_t slot, uint32_t frame) { backend_window(slot, frame); }
int backend_space_create(uint32_t space) { return (void)space, 1; }
void backend_commit_later(void) { backend_commit(); }
void backend_space_destroy(uint32_t space) { (void)space; }

/* One address space has to do: what was mapped in the user half goes, and is filled again. */
static void unmap(uint32_t linear) {
    if (linear < 0x10000) return;
    mmap((void *)linear, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}
static uint32_t current_space;
static uint32_t entries[8][1 << 10];
void backend_space_switch(uint32_t space) {
    for (uint32_t page = 0x10; page < 1 << 10; page++) {
        uint32_t entry = entries[space % 8][page];
        if (entry) show(page << 12, entry >> 12, entry & MAP_WRITE ? PROT_READ | PROT_WRITE : PROT_READ);
        else if (entries[current_space % 8][page]) unmap(page << 12);
    }
    current_space = space;
}

int backend_map(uint32_t space, uint32_t linear, uint32_t frame, uint32_t rights) {
    int protection = rights & MAP_WRITE ? PROT_READ | PROT_WRITE : PROT_READ;
    if (linear < KERNEL_START && linear >> 12 < 1 << 10) entries[space % 8][linear >> 12] = frame << 12 | (rights & 7) | 8;
    if (linear >= 0x10000 && (linear >= KERNEL_START || space == current_space || !current_space)) show(linear, frame, protection);
    return 1;
}
int backend_map_run(uint32_t space, uint32_t linear, const uint32_t *entries, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (entries[i] && !backend_map(space, linear + (i << 12), entries[i] >> 12, entries[i])) return 0;
    return 1;
}

int backend_map_slot(uint32_t space, uint32_t linear, const uint32_t *entries, uint32_t why) {
    for (uint32_t i = 0; i < 1024; i++)
        if (entries[i] && !backend_map(space, linear + (i << 12), entries[i] >> 12, (entries[i] & (MAP_WRITE | MAP_USER)) | why)) return 0;
    return 1;
}
void backend_unmap(uint32_t space, uint32_t linear) {
    if (linear < KERNEL_START && linear >> 12 < 1 << 10) entries[space % 8][linear >> 12] = 0;
    if (linear >= KERNEL_START || space == current_space) unmap(linear);
}
void backend_unmap_slot(uint32_t space, uint32_t slot, int empty) {
    (void)empty;
    if (slot != 0 && slot < 512) return;
    for (uint32_t i = 0; i < 1024; i++) backend_unmap(space, slot << 22 | i << 12);
}
void backend_commit(void) {}
void backend_enter_user(void) { longjmp(leave, 1); }
int backend_user_descriptor(uint32_t selector, uint32_t low, uint32_t high) { return (void)selector, (void)low, (void)high, 0; }
void backend_fpu_switched(int switched) { (void)switched; }
void backend_fpu_read(void *image, int old) { (void)image, (void)old; }
void backend_fpu_write(const void *image, int old) { (void)image, (void)old; }

/* Nothing else happens: time passes to the deadline. */
void backend_idle(void) {
    stub_idled++;
    if (stub_deadline == TIMER_NEVER) puts("not ok the guest waits for ever"), exit(1);
    if (stub_time < stub_deadline) stub_time = stub_deadline;
    vmm_async(EVENT_TIMER);
}
void backend_timer(uint64_t nanoseconds) { stub_deadline = nanoseconds; }
uint64_t backend_time(void) { return stub_time; }
uint32_t backend_wall_clock(void) { return 0; }
void backend_console_write(const uint8_t *bytes, uint32_t count) {
    size_t length = strlen(stub_console);
    if (length + count < sizeof stub_console) memcpy(stub_console + length, bytes, count);
}
int backend_console_read(void) { return -1; }
uint32_t backend_block_sectors(void) { return 0; }
int backend_block(uint32_t operation, uint32_t sector, uint32_t at, uint32_t count) {
    return (void)operation, (void)sector, (void)at, (void)count, BLOCK_FAILED;
}
int backend_block_result(void) { return BLOCK_FAILED; }
void backend_net_send(const void *packet, uint32_t bytes) { (void)packet, (void)bytes; }
const uint8_t *backend_net_station(void) { return 0; }
const uint8_t *backend_net_next(uint32_t *bytes) { return (void)bytes, (const uint8_t *)0; }
void backend_net_drop(void) {}
void backend_quiesce(void) {}
void backend_resume(void) {}
void backend_stop(uint32_t reason, const char *message) {
    printf("not ok stopped: %u %s %s\n", reason, message ? message : "", stub_console);
    exit(1);
}

/* A fault of the front end's own accesses. */
static void segmentation(int number, siginfo_t *information, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)number;
    uint32_t eip = (uint32_t)registers[REG_EIP], error = (uint32_t)registers[REG_ERR] & ERROR_WRITE;
    registers[REG_EIP] = (greg_t)vmm_from_window(eip, PF, error, (uint32_t)information->si_addr);
}

int stub_left(void (*call)(void)) {
    if (setjmp(leave)) return 1;
    call();
    return 0;
}

static void start(void) {
    const struct platform platform = {.guest_frames = STUB_FRAMES,
                                      .pool_start = 0xBC100000,
                                      .pool_bytes = STUB_POOL_BYTES,
                                      .cpu_model = CPU_MODEL_PREVIRT_GUEST};
    /* Its first way out is to "user mode": nothing of the guest is ever entered. */
    vcpu.cpl = 3;
    vmm_start(&platform);
}

void stub_start(void) {
    struct sigaction action = {.sa_sigaction = segmentation, .sa_flags = SA_SIGINFO | SA_NODEFER};
    memory = memfd_create("guest", 0);
    if (memory < 0 || ftruncate(memory, (STUB_FRAMES + 1) << 12)) perror("memory"), exit(1);
    all = mmap(0, (STUB_FRAMES + 1) << 12, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (mmap((void *)WINDOW_START, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        perror("window"), exit(1);
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
    stub_left(start);
    vcpu.cpl = 0;
}
