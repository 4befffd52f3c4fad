/* The ways into the front end that are no sites: exceptions of user code, of kernel code and of the VMM's own accesses to
 * guest memory, and events; and what happens before the guest goes on.
 */
#include "front.h"

#define DESCRIPTOR_TABLE_IDT 2

/* Instructions that access guest memory, and where to go on when they cannot. */
extern const struct access {
    uint32_t at, failed;
} __start_vmm_accesses[], __stop_vmm_accesses[];
/* Of a back end that has short ways (ring-shortcuts.h). */
extern const char short_exit_start[] __attribute__((weak)), short_exit_end[] __attribute__((weak));

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

/* What the back end was last told for each register. */
static struct told {
    uint32_t selector, base, limit, rights;
} told[SEGMENT_GS + 1];

/* A selector that the guest's tables allow, and the real ones do not have yet. */
static int admit_selector(uint32_t selector) {
    struct descriptor d;
    if (!read_descriptor(selector, &d) || !usable(&d) || !admit(selector, d.low, d.high | 0x100)) return 0;
    for (uint32_t i = SEGMENT_ES; i <= SEGMENT_GS; i++)
        if ((told[i].selector | 3) == (selector | 3)) told[i].selector = 0;
    return 1;
}

/* Before user mode: what is in the segment registers as their hidden parts say, everything else as the tables say. */
static void refresh_descriptors(void) {
    struct descriptor d;
    watch_none();
    for (uint32_t n = 0; n < admitted_count; n++) {
        uint32_t i = SEGMENT_ES;
        while (i <= SEGMENT_GS && (vcpu.selectors[i] | 3) != admitted[n]) i++;
        if (i <= SEGMENT_GS) continue;
        if (!read_descriptor(admitted[n], &d)) d.low = d.high = 0;
        watch_descriptor(admitted[n], &d);
        if (!usable(&d)) d.low = d.high = 0;
        if (!backend_user_descriptor(admitted[n], d.low, d.high)) continue;
        for (i = SEGMENT_ES; i <= SEGMENT_GS; i++)
            if ((told[i].selector | 3) == admitted[n]) told[i].selector = 0;
    }
    for (uint32_t i = SEGMENT_ES; i <= SEGMENT_GS; i++) {
        struct told now = {vcpu.selectors[i], vcpu.segment_base[i], vcpu.segment_limit[i], vcpu.segment_rights[i]};
        struct told *last = &told[i];
        if (now.rights & 0x10000) continue;
        if (now.selector == last->selector && now.base == last->base && now.limit == last->limit && now.rights == last->rights)
            continue;
        *last = now;
        if (now.rights & 0x8000) now.limit >>= 12;
        int changed = admit(now.selector, now.base << 16 | (now.limit & 0xFFFF),
                            (now.base & 0xFF000000) | (now.base >> 16 & 0xFF) | now.rights << 8 | (now.limit & 0xF0000));
        /* Another register was told of this selector with another descriptor: it is to be told again. */
        for (uint32_t other = SEGMENT_ES; changed && other <= SEGMENT_GS; other++)
            if (other != i && (told[other].selector | 3) == (now.selector | 3)) told[other].selector = 0;
    }
}

/* User code may have loaded segment registers: hidden parts as the guest's tables have them. */
static void note_user_segments(void) {
    struct descriptor d;
    const volatile uint32_t *now = vcpu.selectors;
    const uint32_t *then = user_selectors;
    if (!((now[SEGMENT_ES] ^ then[SEGMENT_ES]) | (now[SEGMENT_CS] ^ then[SEGMENT_CS]) | (now[SEGMENT_SS] ^ then[SEGMENT_SS]) |
          (now[SEGMENT_DS] ^ then[SEGMENT_DS]) | (now[SEGMENT_FS] ^ then[SEGMENT_FS]) | (now[SEGMENT_GS] ^ then[SEGMENT_GS])))
        return;
    for (uint32_t i = SEGMENT_ES; i <= SEGMENT_GS; i++) {
        uint32_t selector = vcpu.selectors[i];
        if (selector == user_selectors[i]) continue;
        if (selector & 0xFFFC && read_descriptor(selector, &d)) set_segment(i, selector, &d);
        else set_null(i, selector);
    }
}

/* The last fault of user code that was the guest's. */
static struct pending_fault asked;

void vmm_from_user(uint32_t vector, uint32_t error, uint32_t address) {
    note_user_segments();
    if (vector == PF) {
        uint32_t access = (error & ERROR_WRITE) | ERROR_USER;
        if (!shadow_fill(address, access)) {
            asked = (struct pending_fault){PF, access, address};
            vmm_work |= WORK_ASKED;
            if (!short_fault(&pending_fault)) inject_fault();
        }
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
        if (!shadow_fill(address, error & ERROR_WRITE)) {
            shadow_await(address);
            inject_fault();
        } else if (address < KERNEL_START) {
            shadow_await_nothing();
        }
    } else {
        inject(vector, error);
    }
    vmm_resume();
}

uint32_t vmm_from_window(uint32_t eip, uint32_t vector, uint32_t error, uint32_t address) {
    for (const struct access *access = __start_vmm_accesses; access < __stop_vmm_accesses; access++) {
        if (access->at != eip || vector != PF) continue;
        return shadow_fill(address, error & ERROR_WRITE) ? eip : access->failed;
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

void vmm_load_user_segments(void) { vmm_work |= WORK_COMMIT; }

void vmm_async(uint32_t event) { asm volatile("orl %1, %0" : "+m"(vcpu.attention) : "r"(event) : "cc"); }

void vmm_service(void) {
    if (vcpu.cpl == 3) note_user_segments();
    vmm_resume();
}

static int within(uint32_t eip, const char *start, const char *end) { return eip >= (uint32_t)start && eip < (uint32_t)end; }

uint32_t vmm_resume_point(uint32_t eip, uint32_t *stack) {
    uint32_t point = eip;
    if (within(eip, vmm_exit_start, vmm_exit_end)) point = (uint32_t)vmm_resume;
    else if (within(eip, backend_exit_start, backend_exit_end)) {
        vmm_load_user_segments();
        point = (uint32_t)vmm_resume;
    }
    else if (within(eip, vmm_tail_start, vmm_tail_end)) point = (uint32_t)vmm_tail_start;
    else if (within(eip, short_exit_start, short_exit_end)) point = (uint32_t)short_exit_start;
    for (const struct tail *tail = __start_vmm_tails; tail < __stop_vmm_tails; tail++) {
        if (eip >= tail->start && eip < tail->ret) point = tail->start;
        /* It may have been sent elsewhere by an event just before. */
        if (eip != tail->ret || *stack == (uint32_t)direct_interrupted) continue;
        vcpu.restarts++;
        vcpu.eip = *stack;
        *stack = (uint32_t)direct_interrupted;
    }
    if (point != eip) vcpu.restarts++;
    return point;
}

static uint64_t armed = TIMER_NEVER;

static void arm_timer(void) {
    if (!(vmm_work & WORK_TIMER)) return;
    vmm_work &= ~WORK_TIMER;
    uint64_t deadline = devices_next();
    if (deadline == armed) return;
    armed = deadline;
    backend_timer(deadline);
}

/* What user code is about to touch is filled in; the commit is next. */
static void settle_tables(void) {
    if (vmm_work & WORK_ASKED) shadow_ahead(asked.address, asked.error);
    shadow_await_nothing();
    vmm_work = 0;
}

/* For a short way to user mode that has nothing else to do. */
void vmm_settle(void) {
    settle_tables();
    backend_commit();
    kernel_data = 0;
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
        static int filled;
        if (!filled) shadow_fill_kernel();
        filled = 1;
        if (vmm_work & WORK_USER || watched_changed()) {
            for (uint32_t i = SEGMENT_ES; i <= SEGMENT_GS; i++) user_selectors[i] = vcpu.selectors[i];
            refresh_descriptors();
        }
        settle_tables();
        backend_enter_user();
    }
    shadow_ensure_stack(ESP);
}
