/* The ways into the front end that are no sites: exceptions of user code, of kernel code and of the VMM's own accesses to
 * guest memory, and events; and what happens before the guest goes on.
 */
#include "front.h"

#define DESCRIPTOR_TABLE_IDT 2

extern const uint32_t __start_vmm_accesses[], __stop_vmm_accesses[];
extern const char access_failed[];

/* INT n by user code; the processor has not looked at the guest's gate. EIP is behind the instruction of `bytes` bytes. */
static void user_software(uint32_t vector, uint32_t bytes) {
    if (deliver_software(vector)) return;
    vcpu.eip -= bytes;
    inject_fault();
}

/* Selectors behind which the back end has a descriptor of the guest's. */
#define ADMITTED 16
static uint32_t admitted[ADMITTED], admitted_count;

static int admit(uint32_t selector, uint32_t low, uint32_t high) {
    uint32_t i = 0;
    selector |= 3;
    while (i < admitted_count && admitted[i] != selector) i++;
    if (i == ADMITTED) return 0;
    if (i == admitted_count) admitted[admitted_count++] = selector;
    return backend_user_descriptor(selector, low, high);
}

static int usable(const struct descriptor *d) { return (d->high >> 8 & 0x90) == 0x90 && (d->high >> 13 & 3) == 3; }

/* A selector that the guest's tables allow, and the real ones do not have yet. */
static int admit_selector(uint32_t selector) {
    struct descriptor d;
    return read_descriptor(selector, &d) && usable(&d) && admit(selector, d.low, d.high | 0x100);
}

/* Before user mode: what is in the segment registers as their hidden parts say, everything else as the tables say. */
static void refresh_descriptors(void) {
    struct descriptor d;
    for (uint32_t n = 0; n < admitted_count; n++) {
        int loaded = 0;
        for (uint32_t i = SEGMENT_ES; i <= SEGMENT_GS; i++) loaded |= (vcpu.selectors[i] | 3) == admitted[n];
        if (loaded) continue;
        if (!read_descriptor(admitted[n], &d) || !usable(&d)) d.low = d.high = 0;
        backend_user_descriptor(admitted[n], d.low, d.high);
    }
    for (uint32_t i = SEGMENT_ES; i <= SEGMENT_GS; i++) {
        uint32_t base = vcpu.segment_base[i], rights = vcpu.segment_rights[i], limit = vcpu.segment_limit[i];
        if (rights & 0x10000) continue;
        if (rights & 0x8000) limit >>= 12;
        admit(vcpu.selectors[i], base << 16 | (limit & 0xFFFF),
              (base & 0xFF000000) | (base >> 16 & 0xFF) | rights << 8 | (limit & 0xF0000));
    }
}

/* The selectors that user code was entered with. */
static uint32_t entered[SEGMENT_GS + 1];

/* User code may have loaded segment registers: hidden parts as the guest's tables have them. */
static void note_user_segments(void) {
    struct descriptor d;
    for (uint32_t i = SEGMENT_ES; i <= SEGMENT_GS; i++) {
        uint32_t selector = vcpu.selectors[i];
        if (selector == entered[i]) continue;
        if (selector & 0xFFFC && read_descriptor(selector, &d)) set_segment(i, selector, &d);
        else vcpu.segment_rights[i] = 0x10000;
    }
}

void vmm_from_user(uint32_t vector, uint32_t error, uint32_t address) {
    note_user_segments();
    if (vector == PF) {
        if (!shadow_fill(address, (error & ERROR_WRITE) | ERROR_USER)) inject_fault();
    } else if (vector >= 32 || vector == BP || vector == OF) {
        user_software(vector, vector >= 32 ? 2 : 1);
    } else if (vector == GP && (error & 3) == DESCRIPTOR_TABLE_IDT) {
        vcpu.eip += 2;
        user_software(error >> 3, 2);
    } else if ((vector == GP || vector == NP) && error & 0xFFFC && admit_selector(error & 0xFFFC)) {
        /* The instruction is executed again. */
    } else {
        inject(vector, error);
    }
    vmm_resume();
}

void vmm_from_kernel(uint32_t vector, uint32_t error, uint32_t address) {
    if (vector == PF) {
        if (!shadow_fill(address, error & ERROR_WRITE)) inject_fault();
    } else {
        inject(vector, error);
    }
    vmm_resume();
}

uint32_t vmm_from_window(uint32_t eip, uint32_t vector, uint32_t error, uint32_t address) {
    for (const uint32_t *access = __start_vmm_accesses; access < __stop_vmm_accesses; access++) {
        if (*access != eip || vector != PF) continue;
        return shadow_fill(address, error & ERROR_WRITE) ? eip : (uint32_t)access_failed;
    }
    vcpu.eip = eip;
    print("\r\nvmm: exception ");
    print_number(vector);
    print(" error ");
    print_number(error);
    print(" address ");
    print_number(address);
    crash("a fault of the monitor's own");
}

void vmm_async(uint32_t event) { asm volatile("orl %1, %0" : "+m"(vcpu.attention) : "r"(event) : "cc"); }

void vmm_service(void) {
    if (vcpu.cpl == 3) note_user_segments();
    vmm_resume();
}

uint32_t vmm_resume_point(uint32_t eip) {
    int ours = eip >= (uint32_t)vmm_exit_start && eip < (uint32_t)vmm_exit_end;
    int theirs = eip >= (uint32_t)backend_exit_start && eip < (uint32_t)backend_exit_end;
    if (!ours && !theirs) return eip;
    vcpu.restarts++;
    return (uint32_t)vmm_resume;
}

static uint64_t armed = TIMER_NEVER;

static void arm_timer(void) {
    uint64_t deadline = devices_next();
    if (deadline == armed) return;
    armed = deadline;
    backend_timer(deadline);
}

/* Every page of the stack that an event may be pushed on is mapped: the processor cannot ask for it then. */
static void ensure_stack(void) {
    uint32_t top = ESP - 4, low = ESP - 256;
    if (top < WINDOW_START && !shadow_is_writable(top)) shadow_fill(top, ERROR_WRITE);
    if ((low ^ top) & ~4095u && low < WINDOW_START && !shadow_is_writable(low)) shadow_fill(low, ERROR_WRITE);
}

/* Devices, then interrupts; a halted guest waits here. */
void vmm_before_resume(void) {
    for (;;) {
        uint32_t events = vcpu.attention & ~ATTENTION_INTERRUPT;
        if (events) {
            asm volatile("andl %1, %0" : "+m"(vcpu.attention) : "r"(~events) : "cc");
            if (events & EVENT_TIMER) armed = TIMER_NEVER;
            devices_service(events);
        }
        if (vcpu.interrupt_flag && vcpu.attention & ATTENTION_INTERRUPT) {
            vcpu.halted = 0;
            deliver_interrupt(devices_acknowledge());
            continue;
        }
        if (!vcpu.halted) break;
        if (!vcpu.interrupt_flag) crash("halted for ever");
        arm_timer();
        backend_idle();
    }
    arm_timer();
    vcpu.eflags = (vcpu.eflags & ~(uint32_t)(FLAG_VM | FLAG_IOPL | FLAG_NT | FLAG_RF)) | FLAG_IF | 2;
    if (vcpu.cpl == 3) {
        for (uint32_t i = SEGMENT_ES; i <= SEGMENT_GS; i++) entered[i] = vcpu.selectors[i];
        refresh_descriptors();
        backend_enter_user();
    }
    ensure_stack();
}
