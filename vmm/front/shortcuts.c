/* What the short ways between site, user mode and guest kernel (direct.S, ring-entry.h) compare the guest's tables with. A
 * short way reads every descriptor and gate that the processor would read; where one is not what it was when the long way
 * checked it, it goes the long way. Nothing here is state of the guest: all of it may be forgotten at any time.
 */
#include "front.h"

uint32_t vmm_work, kernel_data;

/* What lies behind a null selector, and behind one that must take the long way. */
static const uint32_t nothing[2];
#define NOWHERE(value) {0xFFFF, (uint32_t)nothing, value, value}

struct seen segments_seen[SEGMENT_GS + 1] = {NOWHERE(1), NOWHERE(1), NOWHERE(1), NOWHERE(1), NOWHERE(1), NOWHERE(1)};
struct seen user_code = NOWHERE(1), user_stack = NOWHERE(1), kernel_code = NOWHERE(1), kernel_stack = NOWHERE(1);
/* The gates of INT 0x80 and of page faults, with the target's EIP as their selector; and the TSS, with the kernel's SS. */
struct seen gate_seen = NOWHERE(1), fault_gate = NOWHERE(1), task_seen = NOWHERE(1);
/* EFLAGS that an IRET or POPF of a short way may not have; IF aside. */
uint32_t unusual_flags;
uint32_t user_selectors[SEGMENT_GS + 1], entry_page;

static void forget(struct seen *s) {
    s->address = (uint32_t)nothing;
    s->low = 1;
}

static void note(struct seen *s, uint32_t selector, const struct descriptor *d) {
    *s = (struct seen){selector, vcpu.gdt_base + (selector & 0xFFF8), d->low, d->high};
    if (selector & 4) forget(s);
}

void note_segment(uint32_t index, uint32_t selector, const struct descriptor *d) {
    if (index > SEGMENT_GS) {
        forget_descriptors();
        return;
    }
    vmm_work |= WORK_USER;
    if (index == SEGMENT_CS || index == SEGMENT_SS) return;
    if (d) note(&segments_seen[index], selector, d);
    else segments_seen[index] = (struct seen){selector, (uint32_t)nothing, 0, 0};
}

void note_user(uint32_t cs, const struct descriptor *code, uint32_t ss, const struct descriptor *stack) {
    note(&user_code, cs, code);
    note(&user_stack, ss, stack);
}

int is_seen(const struct seen *s, uint32_t selector, struct descriptor *d) {
    if (s->selector != selector || !guest_load32(s->address, &d->low) || !guest_load32(s->address + 4, &d->high)) return 0;
    return d->low == s->low && d->high == s->high;
}

void shortcuts_start(void) {
    /* RF is in the frames of faults: IRET to user mode loads it, and kernel code runs without it. */
    unusual_flags = ~(FLAGS_ARITHMETIC | FLAG_DF | FLAG_IF | FLAG_RF | 2 | ((FLAG_AC | FLAG_ID) & cpu_model->eflags));
}

void note_gate(uint32_t vector, uint32_t gate, uint32_t low, uint32_t high, const struct descriptor *code,
               const struct descriptor *stack, uint32_t esp) {
    *(vector == PF ? &fault_gate : &gate_seen) = (struct seen){(low & 0xFFFF) | (high & 0xFFFF0000), gate, low, high};
    task_seen = (struct seen){vcpu.selectors[SEGMENT_SS], vcpu.segment_base[SEGMENT_TR], 0, 0};
    note(&kernel_code, vcpu.selectors[SEGMENT_CS], code);
    note(&kernel_stack, vcpu.selectors[SEGMENT_SS], stack);
    entry_page = shadow_ensure_stack(esp);
}

static inline int unchanged(const struct seen *s) {
    uint32_t low, high;
    if (!guest_load32(s->address, &low) || !guest_load32(s->address + 4, &high)) return 0;
    return low == s->low && high == s->high;
}

int short_fault(const struct pending_fault *f) {
    uint32_t esp, ss;
    if (!unchanged(&fault_gate) || !unchanged(&kernel_code) || !unchanged(&kernel_stack)) return 0;
    if (!guest_load32(task_seen.address + 4, &esp) || !guest_load16(task_seen.address + 8, &ss)) return 0;
    /* All of the frame, and of an event's below it, in one page that is writable. */
    if (ss != task_seen.selector || esp - 1024 - entry_page > 3072) return 0;
    uint32_t *frame = (uint32_t *)esp;
    frame[-1] = vcpu.selectors[SEGMENT_SS];
    frame[-2] = ESP;
    frame[-3] = virtual_flags();
    frame[-4] = vcpu.selectors[SEGMENT_CS];
    frame[-5] = vcpu.eip;
    frame[-6] = f->error;
    ESP = esp - 24;
    vcpu.cr[2] = f->address;
    vcpu.selectors[SEGMENT_CS] = kernel_code.selector;
    vcpu.selectors[SEGMENT_SS] = kernel_stack.selector;
    vcpu.cpl = 0;
    vcpu.eip = fault_gate.selector;
    vcpu.delivered[1]++;
    set_virtual_flags(0, FLAG_TF | FLAG_NT | FLAG_RF | FLAG_IF);
    return 1;
}

void forget_descriptors(void) {
    for (uint32_t i = SEGMENT_ES; i <= SEGMENT_GS; i++)
        if (segments_seen[i].selector & 0xFFFC) forget(&segments_seen[i]);
    forget(&user_code);
    forget(&user_stack);
    forget(&kernel_code);
    forget(&kernel_stack);
    forget(&gate_seen);
    forget(&fault_gate);
    vmm_work |= WORK_USER;
}

#define WATCHED 16
struct seen watched[WATCHED];
uint32_t watched_count;

void watch_none(void) { watched_count = 0; }

void watch_descriptor(uint32_t selector, const struct descriptor *d) {
    if (watched_count < WATCHED) note(&watched[watched_count++], selector, d);
}

int watched_changed(void) {
    uint32_t low, high;
    for (const struct seen *s = watched; s < watched + watched_count; s++) {
        if (!guest_load32(s->address, &low) || !guest_load32(s->address + 4, &high)) return 1;
        if (low != s->low || high != s->high) return 1;
    }
    return 0;
}
