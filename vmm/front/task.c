/* The hardware task switch (Intel SDM volume 3, 7.3), as far as a gate for #DF and the IRET back need it: 32-bit TSS, no
 * check of the new task's segments beyond that of loading them.
 */
#include "front.h"

#define TSS_CR3 28
#define TSS_EIP 32
#define TSS_EFLAGS 36
#define TSS_REGISTERS 40
#define TSS_SEGMENTS 72
#define TSS_LDT 96
#define TSS_BYTES 104
#define BUSY 0x200

static int fault(uint32_t vector, uint32_t error) {
    pending_fault = (struct pending_fault){vector, error, 0};
    return 0;
}

static int save_task(uint32_t tss) {
    int ok = guest_store32(tss + TSS_EIP, vcpu.eip) && guest_store32(tss + TSS_EFLAGS, virtual_flags());
    for (uint32_t i = 0; i < 8; i++) ok = ok && guest_store32(tss + TSS_REGISTERS + 4 * i, vcpu.registers[i]);
    for (uint32_t i = 0; i < 6; i++) ok = ok && guest_store16(tss + TSS_SEGMENTS + 4 * i, vcpu.selectors[i]);
    return ok;
}

static int load_task(uint32_t tss) {
    uint32_t words[TSS_BYTES / 4];
    struct descriptor code, stack;
    for (uint32_t i = 0; i < TSS_BYTES / 4; i++)
        if (!guest_load32(tss + 4 * i, &words[i])) return 0;
    uint32_t cs = words[TSS_SEGMENTS / 4 + 1] & 0xFFFF, ss = words[TSS_SEGMENTS / 4 + 2] & 0xFFFF;
    if (paging() && (vcpu.cr[3] ^ words[TSS_CR3 / 4]) & ~0xFFFu) {
        vcpu.cr[3] = words[TSS_CR3 / 4];
        shadow_load();
    }
    for (uint32_t i = 0; i < 8; i++) vcpu.registers[i] = words[TSS_REGISTERS / 4 + i];
    vcpu.eip = words[TSS_EIP / 4];
    set_virtual_flags(words[TSS_EFLAGS / 4], cpu_model->eflags);
    if (!check_code(cs, cs & 3, &code)) return 0;
    vcpu.cpl = cs & 3;
    set_segment(SEGMENT_CS, cs, &code);
    if (!check_stack(ss, vcpu.cpl, &stack, TS)) return 0;
    set_segment(SEGMENT_SS, ss, &stack);
    for (uint32_t i = SEGMENT_ES; i <= SEGMENT_GS; i++)
        if (i != SEGMENT_CS && i != SEGMENT_SS && !load_segment(i, words[TSS_SEGMENTS / 4 + i])) return 0;
    return 1;
}

static int set_busy(uint32_t selector, int busy) {
    uint32_t address = vcpu.gdt_base + (selector & 0xFFF8) + 4, high;
    return guest_load32(address, &high) && guest_store32(address, busy ? high | BUSY : high & ~(uint32_t)BUSY);
}

int task_switch(uint32_t selector, int link) {
    struct descriptor d;
    uint32_t old = vcpu.selectors[SEGMENT_TR], old_base = vcpu.segment_base[SEGMENT_TR];
    if (!(selector & 0xFFFC) || selector & 4) return fault(link ? GP : TS, selector & 0xFFFC);
    if (!read_descriptor(selector, &d)) return 0;
    uint32_t type = d.high >> 8 & 0x1F;
    if (type != (link ? 9u : 11u)) return fault(link ? GP : TS, selector & 0xFFFC);
    if (!(d.high & 0x8000)) return fault(NP, selector & 0xFFFC);
    if (descriptor_limit(&d) < TSS_BYTES - 1) return fault(TS, selector & 0xFFFC);
    if (!link) vcpu.eflags &= ~(uint32_t)FLAG_NT;
    if (!save_task(old_base) || (!link && !set_busy(old, 0))) return 0;
    if (link && (!guest_store16(descriptor_base(&d), old) || !set_busy(selector, 1))) return 0;
    set_segment(SEGMENT_TR, selector, &d);
    vcpu.segment_rights[SEGMENT_TR] |= 2;
    if (!load_task(descriptor_base(&d))) crash("a task switch to a task that cannot run");
    if (link) vcpu.eflags |= FLAG_NT;
    vcpu.cr[0] |= CR0_TS;
    return 1;
}
