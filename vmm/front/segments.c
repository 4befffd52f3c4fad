/* Segment registers and descriptor tables (Intel SDM volume 2 for each instruction; volume 3, chapters 3 and 5). The
 * guest's descriptors are read from its memory; the hidden parts live in vcpu; the real registers stay flat while kernel
 * code runs. A kernel segment that is not flat is refused. Accessed and busy bits are written as the processor does.
 */
#include "front.h"

#define RIGHTS_UNUSABLE 0x10000
#define PRESENT 0x80
#define CODE_OR_DATA 0x10
#define CODE 0x08
#define CONFORMING 0x04
#define WRITABLE 0x02 /* of data; of code: readable */
#define ACCESSED 0x01

static uint32_t access_byte(const struct descriptor *d) { return d->high >> 8 & 0xFF; }
static uint32_t dpl(const struct descriptor *d) { return d->high >> 13 & 3; }

uint32_t descriptor_base(const struct descriptor *d) {
    return d->low >> 16 | (d->high & 0xFF) << 16 | (d->high & 0xFF000000);
}

uint32_t descriptor_limit(const struct descriptor *d) {
    uint32_t limit = (d->low & 0xFFFF) | (d->high & 0xF0000);
    return d->high & 0x800000 ? limit << 12 | 0xFFF : limit;
}

static int fault(uint32_t vector, uint32_t error) {
    pending_fault = (struct pending_fault){vector, error, 0};
    return 0;
}

/* Linear address of the descriptor, or 0 when it lies outside its table. */
static uint32_t descriptor_address(uint32_t selector) {
    uint32_t offset = selector & 0xFFF8;
    if (!(selector & 4)) return offset + 7 > vcpu.gdt_limit ? 0 : vcpu.gdt_base + offset;
    if (vcpu.segment_rights[SEGMENT_LDTR] & RIGHTS_UNUSABLE || offset + 7 > vcpu.segment_limit[SEGMENT_LDTR]) return 0;
    return vcpu.segment_base[SEGMENT_LDTR] + offset;
}

int read_descriptor(uint32_t selector, struct descriptor *d) {
    uint32_t address = descriptor_address(selector);
    if (!address) return fault(GP, selector & 0xFFFC);
    return guest_load32(address, &d->low) && guest_load32(address + 4, &d->high);
}

static int mark(uint32_t selector, struct descriptor *d, uint32_t bits) {
    if ((d->high & bits) == bits) return 1;
    d->high |= bits;
    return guest_store32(descriptor_address(selector) + 4, d->high);
}

/* Of CS and SS the hidden parts are those of user code: the kernel's are flat. */
void set_segment(uint32_t index, uint32_t selector, const struct descriptor *d) {
    vcpu.selectors[index] = selector;
    if ((index == SEGMENT_CS || index == SEGMENT_SS) && !(selector & 3)) return;
    vcpu.segment_base[index] = descriptor_base(d);
    vcpu.segment_limit[index] = descriptor_limit(d);
    vcpu.segment_rights[index] = d->high >> 8 & 0xF0FF;
    note_segment(index, selector, d);
}

void set_null(uint32_t index, uint32_t selector) {
    vcpu.selectors[index] = selector;
    vcpu.segment_rights[index] = RIGHTS_UNUSABLE;
    note_segment(index, selector, 0);
}

/* A code segment to be entered at privilege level `cpl`; non-conforming. */
int check_code(uint32_t selector, uint32_t cpl, struct descriptor *d) {
    if (is_seen(cpl ? &user_code : &kernel_code, selector, d)) return 1;
    if (!(selector & 0xFFFC)) return fault(GP, 0);
    if (!read_descriptor(selector, d)) return 0;
    uint32_t a = access_byte(d);
    if ((a & (CODE_OR_DATA | CODE)) != (CODE_OR_DATA | CODE)) return fault(GP, selector & 0xFFFC);
    if (a & CONFORMING ? dpl(d) > cpl : dpl(d) != cpl) return fault(GP, selector & 0xFFFC);
    if (!(a & PRESENT)) return fault(NP, selector & 0xFFFC);
    return mark(selector, d, ACCESSED << 8);
}

/* A stack segment for privilege level `cpl`; `vector` is what a bad one raises: #TS, or #GP. */
int check_stack(uint32_t selector, uint32_t cpl, struct descriptor *d, uint32_t vector) {
    if (is_seen(cpl ? &user_stack : &kernel_stack, selector, d)) return 1;
    if (!(selector & 0xFFFC)) return fault(vector, 0);
    if (!read_descriptor(selector, d)) {
        if (pending_fault.vector == GP) pending_fault.vector = vector;
        return 0;
    }
    uint32_t a = access_byte(d);
    if ((selector & 3) != cpl || dpl(d) != cpl || (a & (CODE_OR_DATA | CODE | WRITABLE)) != (CODE_OR_DATA | WRITABLE))
        return fault(vector, selector & 0xFFFC);
    if (!(a & PRESENT)) return fault(SS, selector & 0xFFFC);
    return mark(selector, d, ACCESSED << 8);
}

/* Loads ES, SS, DS, FS or GS at the current privilege level. */
int load_segment(uint32_t index, uint32_t selector) {
    struct descriptor d;
    selector &= 0xFFFF;
    if (index == SEGMENT_SS) {
        if (!check_stack(selector, vcpu.cpl, &d, GP)) return 0;
    } else {
        if (!(selector & 0xFFFC)) {
            set_null(index, selector);
            return 1;
        }
        if (!read_descriptor(selector, &d)) return 0;
        uint32_t a = access_byte(&d), rpl = selector & 3;
        if (!(a & CODE_OR_DATA) || (a & CODE && !(a & WRITABLE))) return fault(GP, selector & 0xFFFC);
        if ((a & (CODE | CONFORMING)) != (CODE | CONFORMING) && (dpl(&d) < vcpu.cpl || dpl(&d) < rpl))
            return fault(GP, selector & 0xFFFC);
        if (!(a & PRESENT)) return fault(NP, selector & 0xFFFC);
        if (!mark(selector, &d, ACCESSED << 8)) return 0;
    }
    set_segment(index, selector, &d);
    if (vcpu.cpl == 0 && dpl(&d) == 0 && vcpu.segment_base[index] != 0) crash("a kernel segment that is not flat");
    return 1;
}

int operate_mov_to_segment(const struct operand *o) {
    uint32_t value;
    if (o->reg == SEGMENT_CS || o->reg > SEGMENT_GS) return inject(UD, 0);
    return operand_read(o, 2, &value) && load_segment(o->reg, value) ? DONE : inject_fault();
}

int operate_mov_from_segment(const struct operand *o) {
    uint32_t size = o->rm == OPERAND_MEMORY ? 2 : operand_size(o);
    if (o->reg > SEGMENT_GS) return inject(UD, 0);
    return operand_write(o, size, vcpu.selectors[o->reg]) ? DONE : inject_fault();
}

int operate_push_segment(const struct operand *o) {
    uint32_t size = operand_size(o);
    if (!guest_store(ESP - size, size, vcpu.selectors[o->reg])) return inject_fault();
    ESP -= size;
    return DONE;
}

int operate_pop_segment(const struct operand *o) {
    uint32_t value;
    if (!guest_load16(ESP, &value) || !load_segment(o->reg, value & 0xFFFF)) return inject_fault();
    ESP += operand_size(o);
    return DONE;
}

int operate_load_far_pointer(const struct operand *o) {
    uint32_t index = o->opcode == 0xC4    ? SEGMENT_ES
                     : o->opcode == 0xC5  ? SEGMENT_DS
                     : o->opcode == 0xFB2 ? SEGMENT_SS
                     : o->opcode == 0xFB4 ? SEGMENT_FS
                                          : SEGMENT_GS;
    uint32_t size = operand_size(o), address = operand_address(o), offset = 0, selector = 0;
    if (o->rm != OPERAND_MEMORY) return inject(UD, 0);
    if (!guest_load(address, size, &offset) || !guest_load16(address + size, &selector) || !load_segment(index, selector))
        return inject_fault();
    set_register(o->reg, size, offset);
    return DONE;
}

static int load_table(const struct operand *o, volatile uint32_t *base, volatile uint32_t *limit) {
    uint32_t address = operand_address(o), new_limit = 0, new_base;
    if (!guest_load16(address, &new_limit) || !guest_load32(address + 2, &new_base)) return inject_fault();
    *limit = new_limit & 0xFFFF;
    *base = o->flags & OPERAND_16 ? new_base & 0xFFFFFF : new_base;
    return DONE;
}

static int store_table(const struct operand *o, uint32_t base, uint32_t limit) {
    uint32_t address = operand_address(o);
    if (!guest_store32(address + 2, base) || !guest_store16(address, limit)) return inject_fault();
    return DONE;
}

int operate_lgdt(const struct operand *o) {
    forget_descriptors();
    return load_table(o, &vcpu.gdt_base, &vcpu.gdt_limit);
}
int operate_lidt(const struct operand *o) {
    forget_descriptors();
    return load_table(o, &vcpu.idt_base, &vcpu.idt_limit);
}
int operate_sgdt(const struct operand *o) { return store_table(o, vcpu.gdt_base, vcpu.gdt_limit); }
int operate_sidt(const struct operand *o) { return store_table(o, vcpu.idt_base, vcpu.idt_limit); }

static int store_selector(const struct operand *o, uint32_t index) {
    uint32_t size = o->rm == OPERAND_MEMORY ? 2 : operand_size(o);
    return operand_write(o, size, vcpu.selectors[index]) ? DONE : inject_fault();
}
int operate_sldt(const struct operand *o) { return store_selector(o, SEGMENT_LDTR); }
int operate_str(const struct operand *o) { return store_selector(o, SEGMENT_TR); }

int operate_lldt(const struct operand *o) {
    struct descriptor d;
    uint32_t selector;
    if (!operand_read(o, 2, &selector)) return inject_fault();
    selector &= 0xFFFF;
    if (!(selector & 0xFFFC)) {
        set_null(SEGMENT_LDTR, selector);
        return DONE;
    }
    if (selector & 4) return inject(GP, selector & 0xFFFC);
    if (!read_descriptor(selector, &d)) return inject_fault();
    if ((access_byte(&d) & 0x1F) != 2) return inject(GP, selector & 0xFFFC);
    if (!(access_byte(&d) & PRESENT)) return inject(NP, selector & 0xFFFC);
    set_segment(SEGMENT_LDTR, selector, &d);
    return DONE;
}

int operate_ltr(const struct operand *o) {
    struct descriptor d;
    uint32_t selector;
    if (!operand_read(o, 2, &selector)) return inject_fault();
    selector &= 0xFFFF;
    if (!(selector & 0xFFFC) || selector & 4) return inject(GP, selector & 0xFFFC);
    if (!read_descriptor(selector, &d)) return inject_fault();
    if ((access_byte(&d) & 0x1F) != 9 && (access_byte(&d) & 0x1F) != 1) return inject(GP, selector & 0xFFFC);
    if (!(access_byte(&d) & PRESENT)) return inject(NP, selector & 0xFFFC);
    if (!mark(selector, &d, 0x200)) return inject_fault();
    set_segment(SEGMENT_TR, selector, &d);
    return DONE;
}

/* The descriptor that LAR, LSL, VERR and VERW look at; returns 0 where they find none, -1 on a memory fault. */
static int visible(uint32_t selector, struct descriptor *d) {
    if (!(selector & 0xFFFC) || !descriptor_address(selector)) return 0;
    if (!read_descriptor(selector, d)) return -1;
    uint32_t a = access_byte(d), lowest = vcpu.cpl > (selector & 3) ? vcpu.cpl : selector & 3;
    if ((a & (CODE_OR_DATA | CODE | CONFORMING)) == (CODE_OR_DATA | CODE | CONFORMING)) return 1;
    return dpl(d) >= lowest;
}

static int set_zero(int zero) {
    set_virtual_flags(zero ? FLAG_ZF : 0, FLAG_ZF);
    return DONE;
}

static int query(const struct operand *o, uint32_t system_types, int limit) {
    struct descriptor d;
    uint32_t selector;
    if (!operand_read(o, 2, &selector)) return inject_fault();
    int found = visible(selector & 0xFFFF, &d);
    if (found < 0) return inject_fault();
    if (found && !(access_byte(&d) & CODE_OR_DATA) && !(system_types >> (access_byte(&d) & 15) & 1)) found = 0;
    if (found) set_register(o->reg, operand_size(o), limit ? descriptor_limit(&d) : d.high & 0xF0FF00);
    return set_zero(found);
}
int operate_lar(const struct operand *o) { return query(o, 0x1A3E, 0); }
int operate_lsl(const struct operand *o) { return query(o, 0x0A0E, 1); }

static int verify(const struct operand *o, int write) {
    struct descriptor d;
    uint32_t selector, a;
    if (!operand_read(o, 2, &selector)) return inject_fault();
    int found = visible(selector & 0xFFFF, &d);
    if (found < 0) return inject_fault();
    a = found ? access_byte(&d) : 0;
    if (write) return set_zero((a & (CODE_OR_DATA | CODE | WRITABLE)) == (CODE_OR_DATA | WRITABLE));
    return set_zero(a & CODE_OR_DATA && (!(a & CODE) || a & WRITABLE));
}
int operate_verr(const struct operand *o) { return verify(o, 0); }
int operate_verw(const struct operand *o) { return verify(o, 1); }

int operate_arpl(const struct operand *o) {
    uint32_t destination, source = vcpu.registers[o->reg] & 3;
    if (!operand_read(o, 2, &destination)) return inject_fault();
    if ((destination & 3) >= source) return set_zero(0);
    if (!operand_write(o, 2, (destination & 0xFFFC) | source)) return inject_fault();
    return set_zero(1);
}
