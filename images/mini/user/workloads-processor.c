/* Workloads that exercise what a kernel keeps of the processor for a process: FPU, TLS, changed code; and the kernel's
 * own check of its sensitive instructions.
 */
#include "user.h"

/* A series of additions, multiplications, divisions and square roots; every result is exact to the last bit. */
static uint32_t series(uint32_t seed, uint32_t steps, int yield) {
    double x = 1.0 + seed, y = 0.5;
    uint32_t checksum = MIX_START;
    union {
        double value;
        uint32_t words[2];
    } bits;
    for (uint32_t i = 0; i < steps; i++) {
        double root;
        asm("fsqrt" : "=t"(root) : "0"(x));
        y = y * 0.75 + root / (i + 3);
        x = x + 1.0 / y;
        if (yield && (i & 15) == 0) call(CALL_YIELD, 0, 0, 0);
        bits.value = y;
        checksum = mix(mix(checksum, bits.words[0]), bits.words[1]);
    }
    return checksum;
}

static struct result run_fpu(uint32_t scale) {
    uint32_t steps = 400 * scale, checksum = MIX_START;
    int failed = 0, status;
    for (uint32_t child = 0; child < 3; child++)
        if (call(CALL_FORK, 0, 0, 0) == 0)
            call(CALL_EXIT, series(child, steps, 1) != series(child, steps, 0), 0, 0);
    for (uint32_t child = 0; child < 3; child++) {
        call(CALL_WAIT, (uint32_t)&status, 0, 0);
        failed |= status;
        checksum = mix(checksum, series(child, steps, 0));
    }
    return (struct result){checksum, failed};
}

static uint32_t read_tls(void) {
    uint32_t value;
    asm volatile("movl %%gs:0, %0" : "=r"(value)::"memory");
    return value;
}

static void load_gs(uint32_t selector) { asm volatile("movl %0, %%gs" ::"r"(selector) : "memory"); }

static struct result run_tls(uint32_t scale) {
    static uint32_t areas[4];
    uint32_t checksum = MIX_START;
    int failed = 0, status;
    for (uint32_t child = 0; child < 4; child++) {
        if (call(CALL_FORK, 0, 0, 0) != 0) continue;
        areas[child] = 0x1000 + child;
        load_gs((uint32_t)call(CALL_TLS, (uint32_t)&areas[child], 0, 0));
        int wrong = 0;
        for (uint32_t i = 0; i < 50 * scale; i++) {
            if (read_tls() != 0x1000 + child) wrong = 1;
            call(CALL_YIELD, 0, 0, 0);
        }
        load_gs(0);
        call(CALL_EXIT, wrong ? 1 : 0x10 + child, 0, 0);
    }
    uint32_t sum = 0;
    for (uint32_t child = 0; child < 4; child++) {
        call(CALL_WAIT, (uint32_t)&status, 0, 0);
        if (status < 0x10) failed = 1;
        sum += (uint32_t)status;
    }
    checksum = mix(checksum, sum);
    return (struct result){checksum, failed};
}

/* mov $imm32, %eax; ret, with the constant changed before each call. */
static struct result run_smc(uint32_t scale) {
    uint8_t *code = (uint8_t *)call(CALL_MAP, 0, 8192, 1);
    uint32_t checksum = MIX_START, failed = 0;
    for (uint32_t i = 0; i < 500 * scale; i++) {
        /* Every other time the instruction crosses a page. */
        uint8_t *at = code + (i & 1 ? 4094 : 64);
        uint32_t value = i * 2654435761u, seen;
        at[0] = 0xB8;
        for (int k = 0; k < 4; k++) at[1 + k] = (uint8_t)(value >> 8 * k);
        at[5] = 0xC3;
        asm volatile("call *%1" : "=a"(seen) : "r"(at) : "memory", "cc");
        if (seen != value) failed = 1;
        checksum = mix(checksum, seen);
    }
    /* Code that changes the instruction right behind itself. */
    static const uint8_t pattern[] = {0xB9, 0x41, 0, 0, 0, 0x88, 0x0D, 0, 0, 0, 0, 0xB0, 0x00, 0x0F, 0xB6, 0xC0, 0xC3};
    uint32_t target = (uint32_t)code + 12, result;
    memcpy(code, pattern, sizeof pattern);
    memcpy(code + 7, &target, 4);
    asm volatile("call *%1" : "=a"(result) : "r"(code) : "ecx", "memory", "cc");
    if (result != 0x41) failed = 1;
    call(CALL_UNMAP, (uint32_t)code, 0, 0);
    return (struct result){mix(checksum, result), (int)failed};
}

static struct result run_sensitive(uint32_t scale) {
    uint32_t failed = 0;
    for (uint32_t i = 0; i < scale; i++) failed |= (uint32_t)call(CALL_SENSITIVE, 0, 0, 0);
    return (struct result){mix(MIX_START, failed), (int)failed};
}

const struct workload processor_workloads[] = {
    {"fpu", run_fpu}, {"tls", run_tls}, {"smc", run_smc}, {"sensitive", run_sensitive}, {0, 0},
};

/* Each executes 10,000 instructions of a class in the kernel; they are run by name only. */
#define REPEATED_CALLS 10000
#define REPEATED(class)                                                                                                  \
    static struct result run_repeated_##class(uint32_t scale) {                                                          \
        return (struct result){class, call(CALL_REPEAT, class, scale * REPEATED_CALLS, 0)};                             \
    }
REPEATED(0) REPEATED(1) REPEATED(2) REPEATED(3) REPEATED(4) REPEATED(5) REPEATED(6) REPEATED(7) REPEATED(8)

const struct workload repeated_workloads[] = {
    {"cli", run_repeated_0},      {"sti", run_repeated_1},  {"pushf", run_repeated_2},
    {"popf", run_repeated_3},     {"segments", run_repeated_4}, {"iret", run_repeated_5},
    {"pic", run_repeated_6},      {"uart", run_repeated_7}, {"cpuid", run_repeated_8}, {0, 0},
};
