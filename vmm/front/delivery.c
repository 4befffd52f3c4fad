/* Exceptions and interrupts through the guest's own IDT, read at each delivery (Intel SDM volume 3, 6.12 and 6.15): virtual
 * frames with the virtual CS, SS, RPL and IF, on the guest's own stacks. A fault on the way becomes #DF by the rules of
 * table 6-5, and a fault on the way to #DF ends the guest. Left out: gates of 16 bits, virtual-8086 mode.
 */
#include "front.h"

struct pending_fault pending_fault;

void print(const char *text) {
    uint32_t count = 0;
    while (text[count]) count++;
    backend_console_write((const uint8_t *)text, count);
}

void print_number(uint32_t value) {
    char digits[9];
    for (int i = 7; i >= 0; i--, value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
    digits[8] = 0;
    print(digits);
}

void crash(const char *reason) {
    print("\r\nvmm: ");
    print(reason);
    print(" at ");
    print_number(vcpu.eip);
    print(" esp ");
    print_number(ESP);
    print(" cr2 ");
    print_number(vcpu.cr[2]);
    print(" cr3 ");
    print_number(vcpu.cr[3]);
    print("\r\n");
    backend_stop(STOP_CRASH, reason);
}

uint32_t virtual_flags(void) {
    return (vcpu.eflags & ~(FLAG_IF | FLAG_IOPL | FLAG_VM)) | 2 | (uint32_t)vcpu.interrupt_flag << 9 |
           (uint32_t)vcpu.iopl << 12;
}

void set_virtual_flags(uint32_t value, uint32_t mask) {
    uint32_t real = mask & ~(FLAG_IF | FLAG_IOPL | FLAG_VM);
    vcpu.eflags = (vcpu.eflags & ~real) | (value & real) | 2;
    if (mask & FLAG_IF) vcpu.interrupt_flag = value >> 9 & 1;
    if (mask & FLAG_IOPL) vcpu.iopl = value >> 12 & 3;
}

/* Pushes on the guest's stack; the caller has saved what a fault must restore. */
int push(uint32_t value) {
    if (!guest_store32(ESP - 4, value)) return 0;
    ESP -= 4;
    return 1;
}

static int has_error(uint32_t vector) { return vector == DF || (vector >= TS && vector <= PF) || vector == AC; }

static int fault(uint32_t vector, uint32_t error) {
    pending_fault = (struct pending_fault){vector, error, 0};
    return 0;
}

struct target {
    uint32_t cs, eip, ss, esp;
    struct descriptor code, stack;
};

/* Finds the stack that the kernel is entered on from user mode. */
static int find_stack(struct target *t, uint32_t external) {
    uint32_t tss = vcpu.segment_base[SEGMENT_TR];
    if (vcpu.segment_limit[SEGMENT_TR] < 11) return fault(TS, (vcpu.selectors[SEGMENT_TR] & ~3u) | external);
    if (!guest_load32(tss + 4, &t->esp) || !guest_load32(tss + 8, &t->ss)) return 0;
    t->ss &= 0xFFFF;
    return check_stack(t->ss, 0, &t->stack, TS);
}

static int push_frame(int with_error, uint32_t error, const struct target *t, int inner) {
    uint32_t flags = virtual_flags(), ss = vcpu.selectors[SEGMENT_SS], esp = ESP;
    if (inner) {
        ESP = t->esp;
        if (!push(ss) || !push(esp)) return 0;
    }
    return push(flags) && push(vcpu.selectors[SEGMENT_CS]) && push(vcpu.eip) && (!with_error || push(error));
}

/* Goes through the gate. `software`: INT n, which the gate's DPL may forbid. Returns 0 with pending_fault, all as before. */
static int enter_gate(uint32_t vector, uint32_t error, int software, int interrupt) {
    uint32_t external = software ? 0 : 1, low, high, saved_esp = ESP;
    uint32_t gate = vcpu.idt_base + vector * 8, selector_error = vector * 8 + 2 + (software ? 0 : external);
    int with_error = !software && !interrupt && has_error(vector);
    struct target t = {0};
    if (vector * 8 + 7 > vcpu.idt_limit) return fault(GP, selector_error);
    if (!guest_load32(gate, &low) || !guest_load32(gate + 4, &high)) return 0;
    uint32_t type = high >> 8 & 0x1F;
    if (type != 5 && type != 14 && type != 15) return fault(GP, selector_error);
    if (software && (high >> 13 & 3) < vcpu.cpl) return fault(GP, selector_error);
    if (!(high & 0x8000)) return fault(NP, selector_error);
    if (type == 5) {
        if (!task_switch(low >> 16, 1)) return 0;
        return !with_error || push(error);
    }
    t.cs = low >> 16;
    t.eip = (low & 0xFFFF) | (high & 0xFFFF0000);
    if (!check_code(t.cs, 0, &t.code)) {
        if (pending_fault.vector == GP) pending_fault.error |= external;
        return 0;
    }
    int inner = vcpu.cpl != 0;
    if (inner && !find_stack(&t, external)) return 0;
    /* The frame is written with the rights of the kernel. */
    if (!push_frame(with_error, error, &t, inner)) {
        ESP = saved_esp;
        return 0;
    }
    vcpu.delivered[inner]++;
    if (inner) set_segment(SEGMENT_SS, t.ss & ~3u, &t.stack);
    set_segment(SEGMENT_CS, t.cs & ~3u, &t.code);
    vcpu.cpl = 0;
    vcpu.eip = t.eip;
    set_virtual_flags(0, FLAG_TF | FLAG_NT | FLAG_RF | (type == 14 ? FLAG_IF : 0));
    if (inner && type == 14 && (software ? vector == 0x80 : vector == PF))
        note_gate(vector, gate, low, high, &t.code, &t.stack, t.esp);
    return 1;
}

static int contributory(uint32_t vector) { return vector == DE || (vector >= TS && vector <= GP); }

static void escalate(uint32_t first) {
    for (;;) {
        struct pending_fault second = pending_fault;
        if (first == DF) {
            crash("triple fault");
        } else if ((contributory(first) && contributory(second.vector)) ||
                   (first == PF && (contributory(second.vector) || second.vector == PF))) {
            second = (struct pending_fault){DF, 0, 0};
        }
        if (second.vector == PF) vcpu.cr[2] = second.address;
        first = second.vector;
        if (enter_gate(first, second.error, 0, 0)) return;
    }
}

/* An exception at vcpu.eip. Returns MOVED, for operations. */
int inject(uint32_t vector, uint32_t error) {
    if (!enter_gate(vector, error, 0, 0)) escalate(vector);
    return MOVED;
}

/* The exception that an access to guest memory or a check has left. */
int inject_fault(void) {
    if (pending_fault.vector == PF) vcpu.cr[2] = pending_fault.address;
    return inject(pending_fault.vector, pending_fault.error);
}

/* INT n with vcpu.eip behind the instruction. Returns 0 with pending_fault, which belongs at the instruction. */
int deliver_software(uint32_t vector) { return enter_gate(vector, 0, 1, 0); }

void deliver_interrupt(uint32_t vector) {
    if (!enter_gate(vector, 0, 0, 1)) escalate(0xFF);
}
