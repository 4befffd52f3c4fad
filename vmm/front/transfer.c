/* Interrupt flag, halting, and control transfers (Intel SDM volume 2: CLI, STI, PUSHF, POPF, HLT, IRET, JMP, CALL, RET,
 * INT). STI, POPF and IRET deliver what is pending on the way out (vmm_before_resume). Left out: call gates, task gates
 * other than for exceptions, virtual-8086 mode.
 */
#include "front.h"

int operate_cli(const struct operand *o) {
    (void)o;
    vcpu.interrupt_flag = 0;
    return DONE;
}

int operate_sti(const struct operand *o) {
    (void)o;
    vcpu.interrupt_flag = 1;
    return DONE;
}

int operate_hlt(const struct operand *o) {
    (void)o;
    vcpu.halted = 1;
    return DONE;
}

int operate_sti_hlt(const struct operand *o) {
    vcpu.interrupt_flag = 1;
    return operate_hlt(o);
}

/* STI with an instruction in its shadow that the model does not have: the fault is the site's. */
int operate_sti_undefined(const struct operand *o) {
    (void)o;
    return inject(UD, 0);
}

int operate_pushf(const struct operand *o) {
    uint32_t size = operand_size(o);
    if (!guest_store(ESP - size, size, virtual_flags() & ~(uint32_t)(FLAG_RF | FLAG_VM))) return inject_fault();
    ESP -= size;
    return DONE;
}

static uint32_t changeable(uint32_t size) {
    uint32_t mask = cpu_model->eflags & ~(uint32_t)(FLAG_RF | FLAG_VM | 0x180000) & (size == 2 ? 0xFFFF : 0xFFFFFFFF);
    return mask | FLAGS_ARITHMETIC;
}

int operate_popf(const struct operand *o) {
    uint32_t size = operand_size(o), value;
    if (!guest_load(ESP, size, &value)) return inject_fault();
    ESP += size;
    set_virtual_flags(value, changeable(size));
    return DONE;
}

/* IRET to user mode: CS, EIP, flags, ESP and SS; then data segments that user code may not keep become null. */
static int return_to_user(uint32_t cs, uint32_t eip, uint32_t flags) {
    struct descriptor code, stack;
    uint32_t esp, ss;
    if (!guest_load32(ESP + 12, &esp) || !guest_load32(ESP + 16, &ss)) return inject_fault();
    ss &= 0xFFFF;
    if ((cs & 3) != 3) crash("an IRET to ring 1 or 2");
    if (!check_code(cs, 3, &code) || !check_stack(ss, 3, &stack, GP)) return inject_fault();
    ESP = esp;
    vcpu.eip = eip;
    set_segment(SEGMENT_CS, cs, &code);
    set_segment(SEGMENT_SS, ss, &stack);
    vcpu.cpl = 3;
    note_user(cs, &code, ss, &stack);
    set_virtual_flags(flags, changeable(4) | FLAG_RF);
    for (uint32_t i = SEGMENT_ES; i <= SEGMENT_GS; i++) {
        if (i == SEGMENT_CS || i == SEGMENT_SS || vcpu.segment_rights[i] & 0x10000) continue;
        uint32_t rights = vcpu.segment_rights[i];
        if ((rights & 0x0C) != 0x0C && (rights >> 5 & 3) < 3) set_null(i, 0);
    }
    return MOVED;
}

int operate_iret(const struct operand *o) {
    struct descriptor code;
    uint32_t eip, cs, flags;
    (void)o;
    if (vcpu.eflags & FLAG_NT) {
        uint32_t link;
        if (!guest_load16(vcpu.segment_base[SEGMENT_TR], &link) || !task_switch(link & 0xFFFF, 0)) return inject_fault();
        return MOVED;
    }
    if (!guest_load32(ESP, &eip) || !guest_load32(ESP + 4, &cs) || !guest_load32(ESP + 8, &flags)) return inject_fault();
    cs &= 0xFFFF;
    if (flags & FLAG_VM) crash("an IRET to virtual-8086 mode");
    if ((cs & 3) > vcpu.cpl) return return_to_user(cs, eip, flags);
    if (!check_code(cs, vcpu.cpl, &code)) return inject_fault();
    ESP += 12;
    vcpu.eip = eip;
    set_segment(SEGMENT_CS, cs, &code);
    set_virtual_flags(flags, changeable(4) | FLAG_RF);
    return MOVED;
}

static int enter_code(uint32_t selector, uint32_t eip) {
    struct descriptor code;
    if (!check_code(selector, vcpu.cpl, &code)) return 0;
    set_segment(SEGMENT_CS, (selector & ~3u) | vcpu.cpl, &code);
    vcpu.eip = eip;
    return 1;
}

int operate_far_jump(const struct operand *o) {
    return enter_code(o->selector, o->immediate) ? MOVED : inject_fault();
}

int operate_far_call(const struct operand *o) {
    uint32_t selector = o->selector, eip = o->immediate, end = vcpu.eip + o->site_bytes, old = vcpu.selectors[SEGMENT_CS];
    if (o->rm == OPERAND_MEMORY) {
        uint32_t address = operand_address(o);
        if (!guest_load32(address, &eip) || !guest_load16(address + 4, &selector)) return inject_fault();
        selector &= 0xFFFF;
    }
    if (!guest_store32(ESP - 4, old) || !guest_store32(ESP - 8, end) || !enter_code(selector, eip)) return inject_fault();
    ESP -= 8;
    return MOVED;
}

int operate_far_return(const struct operand *o) {
    uint32_t eip, cs;
    (void)o;
    if (!guest_load32(ESP, &eip) || !guest_load32(ESP + 4, &cs)) return inject_fault();
    if ((cs & 3) > vcpu.cpl) crash("a far return to an outer ring");
    if (!enter_code(cs & 0xFFFF, eip)) return inject_fault();
    ESP += 8;
    return MOVED;
}

static int software(const struct operand *o, uint32_t vector) {
    uint32_t start = vcpu.eip;
    vcpu.eip = start + o->site_bytes;
    if (deliver_software(vector)) return MOVED;
    vcpu.eip = start;
    return inject_fault();
}

int operate_int(const struct operand *o) { return software(o, o->immediate & 0xFF); }
int operate_into(const struct operand *o) { return vcpu.eflags & FLAG_OF ? software(o, OF) : DONE; }
