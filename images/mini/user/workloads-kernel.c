/* Workloads that exercise the kernel: system calls, processes, pipes, memory, faults, signals, switches. */
#include "user.h"

static struct result finish(uint32_t checksum, int failed) { return (struct result){checksum, failed}; }

static struct result run_syscall(uint32_t scale) {
    uint32_t id = (uint32_t)call(CALL_ID, 0, 0, 0), wrong = 0, count = 2000 * scale;
    int has_sysenter = call(CALL_HAS_SYSENTER, 0, 0, 0);
    for (uint32_t i = 0; i < count; i++) {
        int32_t seen = has_sysenter && (i & 1) ? system_call_by_sysenter(CALL_ID, 0, 0, 0) : call(CALL_ID, 0, 0, 0);
        if ((uint32_t)seen != id) wrong++;
    }
    return finish(mix(MIX_START, count), wrong != 0);
}

static struct result run_fork(uint32_t scale) {
    uint32_t checksum = MIX_START, shared = 1234, before = (uint32_t)call(CALL_FREE_FRAMES, 0, 0, 0);
    int failed = 0, status;
    for (uint32_t i = 0; i < 20 * scale; i++) {
        int32_t child = call(CALL_FORK, 0, 0, 0);
        if (child == 0) {
            *(volatile uint32_t *)&shared += i;
            call(CALL_EXIT, *(volatile uint32_t *)&shared & 0x7F, 0, 0);
        }
        if (call(CALL_WAIT, (uint32_t)&status, 0, 0) != child) failed = 1;
        if ((uint32_t)status != ((1234 + i) & 0x7F) || shared != 1234) failed = 1;
        checksum = mix(checksum, (uint32_t)status);
    }
    /* The stack's own page is now private; nothing else may be lost. */
    if (before - (uint32_t)call(CALL_FREE_FRAMES, 0, 0, 0) > 2 && scale == 1) failed = 1;
    return finish(checksum, failed);
}

static struct result run_exec(uint32_t scale) {
    uint32_t checksum = MIX_START;
    int failed = 0, status;
    for (uint32_t i = 0; i < 10 * scale; i++) {
        char arguments[16] = "exit 00";
        arguments[5] = (char)('0' + i / 10 % 10);
        arguments[6] = (char)('0' + i % 10);
        if (call(CALL_FORK, 0, 0, 0) == 0) {
            call(CALL_EXEC, (uint32_t)arguments, 0, 0);
            call(CALL_EXIT, 255, 0, 0);
        }
        call(CALL_WAIT, (uint32_t)&status, 0, 0);
        if ((uint32_t)status != i % 100) failed = 1;
        checksum = mix(checksum, (uint32_t)status);
    }
    return finish(checksum, failed);
}

static uint8_t buffer[3000];

static struct result run_pipe(uint32_t scale) {
    uint32_t checksum = MIX_START, total = 0, expected = 20 * scale * sizeof buffer;
    int ends[2], status = 1;
    if (call(CALL_PIPE, (uint32_t)ends, 0, 0) < 0) return finish(0, 1);
    if (call(CALL_FORK, 0, 0, 0) == 0) {
        uint32_t value = 1;
        call(CALL_CLOSE, (uint32_t)ends[0], 0, 0);
        for (uint32_t round = 0; round < 20 * scale; round++) {
            for (uint32_t i = 0; i < sizeof buffer; i++) {
                value = value * 1103515245u + 12345u;
                buffer[i] = (uint8_t)(value >> 16);
            }
            call(CALL_WRITE, (uint32_t)ends[1], (uint32_t)buffer, sizeof buffer);
        }
        call(CALL_EXIT, 0, 0, 0);
    }
    call(CALL_CLOSE, (uint32_t)ends[1], 0, 0);
    for (;;) {
        int32_t n = call(CALL_READ, (uint32_t)ends[0], (uint32_t)buffer, sizeof buffer);
        if (n <= 0) break;
        for (int32_t i = 0; i < n; i++) checksum = (checksum ^ buffer[i]) * 0x01000193u;
        total += (uint32_t)n;
    }
    call(CALL_CLOSE, (uint32_t)ends[0], 0, 0);
    call(CALL_WAIT, (uint32_t)&status, 0, 0);
    return finish(checksum, status != 0 || total != expected);
}

static struct result run_mmap(uint32_t scale) {
    uint32_t checksum = MIX_START;
    int failed = 0;
    for (uint32_t round = 0; round < 4 * scale; round++) {
        uint32_t pages = 64, start = (uint32_t)call(CALL_MAP, 0, pages * 4096, 1), sum = 0;
        if (start == (uint32_t)-1) return finish(0, 1);
        for (uint32_t i = 0; i < pages; i += 2) *(volatile uint32_t *)(start + i * 4096) = i * round;
        for (uint32_t i = 0; i < pages; i++) sum += *(volatile uint32_t *)(start + i * 4096);
        if (call(CALL_REFERENCED, start, start + pages * 4096, 0) != (int32_t)pages) failed = 1;
        if (call(CALL_REFERENCED, start, start + pages * 4096, 0) != 0) failed = 1;
        *(volatile uint32_t *)(start + 5 * 4096) = 1;
        if (call(CALL_REFERENCED, start, start + pages * 4096, 0) != 1) failed = 1;
        if (call(CALL_UNMAP, start, 0, 0) != 0) failed = 1;
        checksum = mix(checksum, sum);
    }
    return finish(checksum, failed);
}

static volatile uint32_t seen_faults, seen_address, seen_error;

/* Maps the page that was missing; the instruction is repeated when the upcall returns. */
static void map_missing(struct context *context) {
    seen_faults++;
    seen_address = context->address;
    seen_error = context->error;
    call(CALL_MAP, context->address & ~4095u, 4096, 1);
}

static void skip_instruction(struct context *context) {
    seen_faults = seen_faults * 16 + context->signal;
    context->eip += context->ecx;
}

static struct result run_fault(uint32_t scale) {
    uint32_t checksum = MIX_START;
    int failed = 0;
    call(CALL_HANDLER, (uint32_t)upcall_entry, 0, 0);
    upcall_handler = map_missing;
    for (uint32_t i = 0; i < 8 * scale; i++) {
        volatile uint32_t *missing = (volatile uint32_t *)(0x30000000 + (i & 7) * 8192 + 4);
        seen_faults = 0;
        *missing = i + 7;
        if (seen_faults != 1 || seen_address != (uint32_t)missing || seen_error != 6 || *missing != i + 7) failed = 1;
        checksum = mix(mix(checksum, seen_address), seen_error);
        call(CALL_UNMAP, (uint32_t)missing & ~4095u, 0, 0);
    }
    upcall_handler = skip_instruction;
    seen_faults = 0;
    asm volatile("movl $1, %%ecx; hlt" ::: "ecx", "memory");
    asm volatile("movl $2, %%ecx; ud2" ::: "ecx", "memory");
    asm volatile("xorl %%edx, %%edx; movl $2, %%ecx; divl %%edx" ::: "eax", "ecx", "edx", "memory", "cc");
    asm volatile("movl $1, %%ecx; cli" ::: "ecx", "memory");
    asm volatile("movl $7, %%ecx; movb $1, 0x80100000" ::: "ecx", "memory");
    if (seen_faults != 0xD60DE) failed = 1;
    checksum = mix(checksum, seen_faults);
    upcall_handler = 0;
    call(CALL_HANDLER, 0, 0, 0);
    return finish(checksum, failed);
}

static volatile uint32_t signals_seen;

static void count_signal(struct context *context) { signals_seen += context->signal; }

static struct result run_signal(uint32_t scale) {
    uint32_t id = (uint32_t)call(CALL_ID, 0, 0, 0), count = 100 * scale, expected = 10 * count + 14;
    call(CALL_HANDLER, (uint32_t)upcall_entry, 0, 0);
    upcall_handler = count_signal;
    signals_seen = 0;
    for (uint32_t i = 0; i < count; i++) call(CALL_KILL, id, 10, 0);
    call(CALL_ALARM, 2, 0, 0);
    while (signals_seen == 10 * count) {
    }
    uint32_t seen = signals_seen;
    upcall_handler = 0;
    call(CALL_HANDLER, 0, 0, 0);
    return finish(mix(MIX_START, seen), seen != expected);
}

static struct result run_switch(uint32_t scale) {
    uint32_t checksum = MIX_START, count = 200 * scale;
    int there[2], back[2], status = 1;
    call(CALL_PIPE, (uint32_t)there, 0, 0);
    call(CALL_PIPE, (uint32_t)back, 0, 0);
    if (call(CALL_FORK, 0, 0, 0) == 0) {
        uint32_t value;
        call(CALL_CLOSE, (uint32_t)there[1], 0, 0);
        while (call(CALL_READ, (uint32_t)there[0], (uint32_t)&value, 4) == 4) {
            value = value * 3 + 1;
            call(CALL_WRITE, (uint32_t)back[1], (uint32_t)&value, 4);
        }
        call(CALL_EXIT, 0, 0, 0);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value = i;
        call(CALL_WRITE, (uint32_t)there[1], (uint32_t)&value, 4);
        call(CALL_READ, (uint32_t)back[0], (uint32_t)&value, 4);
        checksum = mix(checksum, value);
    }
    call(CALL_CLOSE, (uint32_t)there[1], 0, 0);
    call(CALL_WAIT, (uint32_t)&status, 0, 0);
    call(CALL_CLOSE, (uint32_t)there[0], 0, 0);
    call(CALL_CLOSE, (uint32_t)back[0], 0, 0);
    call(CALL_CLOSE, (uint32_t)back[1], 0, 0);
    return finish(checksum, status);
}

const struct workload kernel_workloads[] = {
    {"syscall", run_syscall}, {"fork", run_fork},     {"exec", run_exec},     {"pipe", run_pipe}, {"mmap", run_mmap},
    {"fault", run_fault},     {"signal", run_signal}, {"switch", run_switch}, {0, 0},
};
