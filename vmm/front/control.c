/* Control and debug registers, processor identification, model-specific registers, time-stamp counter, caches and FPU
 * (Intel SDM volume 2 for each; volume 3, 2.5). What exists is what the CPU model shows.
 */
#include "front.h"

#define FEATURE_TSC (1 << 4)
#define FEATURE_MSR (1 << 5)
#define MSR_TSC 0x10
#define MSR_PLATFORM_ID 0x17
#define MSR_POWERON 0x2A
#define MSR_BIOS_SIGN_ID 0x8B
#define MSR_MISC_ENABLE 0x1A0

const struct cpu_model *cpu_model;

static int write_cr0(uint32_t value) {
    uint32_t old = vcpu.cr[0];
    if ((value & CR0_PG && !(value & CR0_PE)) || (value & 0x60000000) == 0x20000000) return inject(GP, 0);
    value = (old & ~cpu_model->cr0) | (value & cpu_model->cr0) | CR0_ET;
    if (!(value & CR0_PE)) crash("the guest left protected mode");
    vcpu.cr[0] = value;
    if ((old ^ value) & (CR0_TS | CR0_EM)) backend_fpu_switched((value & (CR0_TS | CR0_EM)) != 0);
    if ((old ^ value) & CR0_PG) shadow_load();
    else if ((old ^ value) & CR0_WP) shadow_reset();
    return DONE;
}

int operate_mov_from_control(const struct operand *o) {
    if (o->reg > 4 || o->reg == 1 || (o->reg == 4 && !cpu_model->cr4)) return inject(UD, 0);
    vcpu.registers[o->rm] = vcpu.cr[o->reg];
    return DONE;
}

int operate_mov_to_control(const struct operand *o) {
    uint32_t value = vcpu.registers[o->rm];
    switch (o->reg) {
    case 0: return write_cr0(value);
    case 2: vcpu.cr[2] = value; return DONE;
    case 3:
        vcpu.cr[3] = value & ~0xFE7u;
        if (paging()) shadow_load();
        return DONE;
    case 4:
        if (!cpu_model->cr4) return inject(UD, 0);
        if (value & ~cpu_model->cr4) return inject(GP, 0);
        vcpu.cr[4] = value;
        shadow_flush();
        return DONE;
    default: return inject(UD, 0);
    }
}

int operate_clts(const struct operand *o) {
    (void)o;
    return write_cr0(vcpu.cr[0] & ~(uint32_t)CR0_TS);
}

int operate_lmsw(const struct operand *o) {
    uint32_t value;
    if (!operand_read(o, 2, &value)) return inject_fault();
    /* PE can be set, not cleared. */
    return write_cr0((vcpu.cr[0] & ~0xEu) | (value & 0xF));
}

int operate_smsw(const struct operand *o) {
    uint32_t size = o->rm == OPERAND_MEMORY ? 2 : operand_size(o);
    return operand_write(o, size, vcpu.cr[0]) ? DONE : inject_fault();
}

int operate_mov_from_debug(const struct operand *o) {
    uint32_t number = o->reg;
    if ((number == 4 || number == 5) && vcpu.cr[4] & 8) return inject(UD, 0);
    vcpu.registers[o->rm] = vcpu.dr[number == 4 || number == 5 ? number + 2 : number];
    return DONE;
}

/* Breakpoints are kept and shown; they never fire. */
int operate_mov_to_debug(const struct operand *o) {
    uint32_t number = o->reg, value = vcpu.registers[o->rm];
    if ((number == 4 || number == 5) && vcpu.cr[4] & 8) return inject(UD, 0);
    if (number == 4 || number == 5) number += 2;
    if (number == 6) value = (value & 0xE00F) | 0xFFFF0FF0;
    if (number == 7) value = (value & 0xFFFF2FFF) | 0x400;
    vcpu.dr[number] = value;
    return DONE;
}

int operate_invlpg(const struct operand *o) {
    shadow_invalidate(operand_address(o));
    return DONE;
}

int operate_wbinvd(const struct operand *o) {
    (void)o;
    return DONE;
}

static void answer(uint32_t eax, uint32_t ebx, uint32_t ecx, uint32_t edx) {
    EAX = eax;
    EBX = ebx;
    ECX = ecx;
    EDX = edx;
}

int operate_cpuid(const struct operand *o) {
    (void)o;
    uint32_t leaf = EAX;
    const uint32_t *brand = (const uint32_t *)cpu_model->brand;
    int extended = cpu_model->brand[0] != 0;
    if (!cpu_model->has_cpuid) return inject(UD, 0);
    if (leaf == 0) answer(2, 0x756E6547, 0x6C65746E, 0x49656E69);
    else if (leaf == 1) answer(cpu_model->signature, cpu_model->features & 1 << 19 ? 0x800 : 0, 0, cpu_model->features);
    else if (leaf == 2) answer(cpu_model->leaf2[0], cpu_model->leaf2[1], cpu_model->leaf2[2], cpu_model->leaf2[3]);
    else if (leaf == 0x80000000 && extended) answer(0x80000004, 0, 0, 0);
    else if (leaf > 0x80000001 && leaf <= 0x80000004 && extended) {
        brand += (leaf - 0x80000002) * 4;
        answer(brand[0], brand[1], brand[2], brand[3]);
    } else answer(0, 0, 0, 0);
    return DONE;
}

/* The counter: nanoseconds of virtual time, and what the guest has set. */
static uint64_t tsc(void) { return backend_time() + ((uint64_t)vcpu.tsc_offset[1] << 32 | vcpu.tsc_offset[0]); }

static int answer64(uint64_t value) {
    EAX = (uint32_t)value;
    EDX = (uint32_t)(value >> 32);
    return DONE;
}

int operate_rdtsc(const struct operand *o) {
    (void)o;
    return cpu_model->features & FEATURE_TSC ? answer64(tsc()) : inject(UD, 0);
}

__attribute__((regparm(1))) uint32_t vmm_short_rdtsc(uint32_t end) {
    if (!(cpu_model->features & FEATURE_TSC)) return 0;
    answer64(tsc());
    return end - 6 + ((const struct operand *)OPERAND_TABLE)[*(const uint16_t *)end].site_bytes;
}

int operate_rdpmc(const struct operand *o) {
    (void)o;
    if ((ECX & 0x7FFFFFFF) >= 2) return inject(GP, 0);
    return answer64(0);
}

int operate_rdmsr(const struct operand *o) {
    (void)o;
    if (!(cpu_model->features & FEATURE_MSR)) return inject(UD, 0);
    switch (ECX) {
    case MSR_TSC: return answer64(tsc());
    case MSR_MISC_ENABLE: return answer64((uint64_t)vcpu.misc_enable[1] << 32 | vcpu.misc_enable[0]);
    case MSR_PLATFORM_ID:
    case MSR_POWERON:
    case MSR_BIOS_SIGN_ID: return answer64(0);
    default: return inject(GP, 0);
    }
}

int operate_wrmsr(const struct operand *o) {
    (void)o;
    if (!(cpu_model->features & FEATURE_MSR)) return inject(UD, 0);
    switch (ECX) {
    case MSR_TSC: {
        uint64_t offset = ((uint64_t)EDX << 32 | EAX) - time_now();
        vcpu.tsc_offset[0] = (uint32_t)offset;
        vcpu.tsc_offset[1] = (uint32_t)(offset >> 32);
        return DONE;
    }
    case MSR_MISC_ENABLE:
        vcpu.misc_enable[0] = EAX;
        vcpu.misc_enable[1] = EDX;
        return DONE;
    case MSR_POWERON:
    case MSR_BIOS_SIGN_ID: return DONE;
    default: return inject(GP, 0);
    }
}

/* Instructions that the model does not have. */
int operate_undefined(const struct operand *o) {
    (void)o;
    return inject(UD, 0);
}
int operate_undefined_leave(const struct operand *o) { return operate_undefined(o); }

/* FPU instructions of the kernel on the image of the user's FPU: for back ends that do not lend the real one (l4, linux);
 * the others leave these sites alone, and none of them gets here. */
static int no_fpu(void) { crash("an FPU operation without an FPU image"); }
int operate_fpu_save(const struct operand *o) { return (void)o, no_fpu(); }
int operate_fpu_restore(const struct operand *o) { return (void)o, no_fpu(); }
int operate_fpu_init(const struct operand *o) { return (void)o, no_fpu(); }
int operate_fpu_load_control(const struct operand *o) { return (void)o, no_fpu(); }
int operate_fpu_store_control(const struct operand *o) { return (void)o, no_fpu(); }
int operate_fpu_environment(const struct operand *o) { return (void)o, no_fpu(); }
int operate_fpu_clear(const struct operand *o) { return (void)o, no_fpu(); }
