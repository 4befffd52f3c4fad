/* Guest frames in the window, the guest's page tables, and stores to them (Intel SDM volume 3, 4.3: 32-bit paging, 4 KiB
 * pages only, as the CPU models of guests show no PSE).
 */
#include "shadow.h"

uint32_t shown[WINDOW_SLOTS];

void window_show(uint32_t slot, uint32_t frame) {
    backend_window(slot, frame);
    shown[slot] = frame + 1;
    held.page = NO_PAGE;
}

static int fault(uint32_t linear, uint32_t error) {
    pending_fault = (struct pending_fault){PF, error, linear};
    return 0;
}

int guest_walk(uint32_t linear, uint32_t error, struct walk *w) {
    uint32_t access = error & (ERROR_WRITE | ERROR_USER);
    w->slot = linear >> 22;
    w->index = linear >> 12 & 1023;
    if (!paging()) {
        w->directory = w->table = FRAME_NONE;
        w->frame = linear >> 12;
        w->pde = w->pte = 0x67;
        return 1;
    }
    w->directory = vcpu.cr[3] >> 12;
    w->table = FRAME_NONE;
    if (w->directory >= platform.guest_frames) return fault(linear, access);
    w->pde = *window_entry(w->directory, w->slot);
    if (!(w->pde & 1)) return fault(linear, access);
    w->table = w->pde >> 12;
    if (w->table >= platform.guest_frames) return fault(linear, access);
    w->pte = *window_entry(w->table, w->index);
    if (!(w->pte & 1)) return fault(linear, access);
    uint32_t both = w->pde & w->pte;
    if (access & ERROR_USER && !(both & 4)) return fault(linear, access | ERROR_PRESENT);
    if (access & ERROR_WRITE && !(both & 2) && (access & ERROR_USER || vcpu.cr[0] & CR0_WP))
        return fault(linear, access | ERROR_PRESENT);
    w->frame = w->pte >> 12;
    /* Accessed and dirty bits, as the processor sets them when it makes use of the entries. */
    if (!(w->pde & 0x20)) *window_entry(w->directory, w->slot) = w->pde |= 0x20;
    uint32_t wanted = w->pte | 0x20 | (access & ERROR_WRITE ? 0x40 : 0);
    if (wanted != w->pte) *window_entry(w->table, w->index) = w->pte = wanted;
    return 1;
}

/* Flags of a logical operation on `size` bytes. */
static void logic_flags(uint32_t result, uint32_t size) {
    uint32_t parity = (result ^ result >> 4) & 15, top = result << (32 - 8 * size);
    set_virtual_flags((top ? 0 : FLAG_ZF) | top >> 31 << 7 | (0x9669 >> parity & 1) << 2, FLAGS_ARITHMETIC);
}

/* REP MOVSD and REP STOSD upwards, as far as the destination is a page that is written as any other. */
static void store_ahead(int move) {
    uint32_t from = ESI, to = EDI, room = (4096 - (to & 4095)) / 4, count = ECX < room ? ECX : room, left = count;
    if (!shadow_is_writable(to)) return;
    if (move)
        asm goto(GUEST_ACCESS("rep movsl") : "+S"(from), "+D"(to), "+c"(left) : : "memory" : failed);
    else
        asm goto(GUEST_ACCESS("rep stosl") : "+D"(to), "+c"(left) : "a"(EAX) : "memory" : failed);
failed:
    ECX -= count - left;
    EDI = to;
    if (move) ESI = from;
}

/* REP MOVS and REP STOS, doubleword by doubleword: each is a store of its own, and a fault leaves the registers at it. */
static int string_store(const struct operand *o, int move) {
    uint32_t size = o->opcode & 1 ? operand_size(o) : 1, step = vcpu.eflags & FLAG_DF ? -size : size;
    for (;;) {
        uint32_t value = EAX;
        if (o->flags & OPERAND_REPEATED && size == 4 && step == 4) {
            if (!(EDI & 4095) && ECX >= 1024) shadow_recycle(EDI);
            store_ahead(move);
        }
        if (o->flags & OPERAND_REPEATED && ECX == 0) return DONE;
        if (move && !guest_load(ESI, size, &value)) return inject_fault();
        if (!table_store(EDI, value, size)) return inject_fault();
        if (move) ESI += step;
        EDI += step;
        if (!(o->flags & OPERAND_REPEATED)) return DONE;
        ECX--;
    }
}

static int bit_operation(const struct operand *o, uint32_t address, uint32_t bit, uint32_t kind) {
    uint32_t old, value;
    if (o->opcode != 0xFBA) address += (uint32_t)((int32_t)bit >> 5) * 4;
    bit &= 31;
    if (!guest_load32(address, &old)) return inject_fault();
    value = kind == 1 ? old | 1u << bit : kind == 2 ? old & ~(1u << bit) : old ^ 1u << bit;
    if (!table_store(address, value, 4)) return inject_fault();
    set_virtual_flags(old >> bit & 1, FLAG_CF);
    return DONE;
}

/* MOV and XCHG of a doubleword in a page that is known. Returns the site's end, given the end of its call; else 0. */
__attribute__((regparm(1))) uint32_t vmm_short_store(uint32_t end) {
    const struct operand *o = &((const struct operand *)OPERAND_TABLE)[*(const uint16_t *)end];
    uint32_t value, old;
    if (o->flags & OPERAND_16 || o->rm != OPERAND_MEMORY) return 0;
    if (o->opcode == 0xC7) value = o->immediate;
    else if (o->opcode == 0x89 || o->opcode == 0xA3 || o->opcode == 0x87) value = vcpu.registers[o->reg];
    else return 0;
    if (o->opcode == 0xC7 && !value) table_clear(operand_address(o));
    if (!table_exchange(operand_address(o), value, &old)) return 0;
    if (o->opcode == 0x87) vcpu.registers[o->reg] = old;
    return end - 6 + o->site_bytes;
}

/* A store that the source or a profile has declared: whatever instruction does it. */
int operate_store(const struct operand *o) {
    uint32_t size = operand_size(o), address = operand_address(o), old, value;
    switch (o->opcode) {
    case 0xA4: case 0xA5: return string_store(o, 1);
    case 0xAA: case 0xAB: return string_store(o, 0);
    case 0xFAB: return bit_operation(o, address, vcpu.registers[o->reg], 1);
    case 0xFB3: return bit_operation(o, address, vcpu.registers[o->reg], 2);
    case 0xFBB: return bit_operation(o, address, vcpu.registers[o->reg], 3);
    case 0xFBA: return bit_operation(o, address, o->immediate, o->reg & 3);
    default: break;
    }
    if (o->rm != OPERAND_MEMORY) crash("a declared store without memory operand");
    switch (o->opcode) {
    case 0x88: case 0xC6:
        size = 1;
        value = o->opcode == 0xC6 ? o->immediate : vcpu.registers[o->reg & 3] >> (o->reg & 4 ? 8 : 0);
        break;
    case 0x89: value = vcpu.registers[o->reg]; break;
    case 0xA3: value = EAX; break;
    case 0xC7: value = o->immediate; break;
    case 0x21: case 0x09: case 0x80: case 0x81: case 0x83: case 0x87:
        if (o->opcode == 0x80) size = 1;
        if (!guest_load(address, size, &old)) return inject_fault();
        if (o->opcode == 0x87) {
            value = vcpu.registers[o->reg];
        } else {
            uint32_t operand = o->opcode & 0x80 ? o->immediate : vcpu.registers[o->reg];
            int is_or = o->opcode == 0x09 || (o->opcode & 0x80 && o->reg == 1);
            if (o->opcode & 0x80 && o->reg != 1 && o->reg != 4) crash("a declared arithmetic store");
            value = is_or ? old | operand : old & operand;
        }
        if (!table_store(address, value, size)) return inject_fault();
        if (o->opcode == 0x87) set_register(o->reg, size, old);
        else logic_flags(value, size);
        return DONE;
    default: crash("a declared store of an unknown form");
    }
    return table_store(address, value, size) ? DONE : inject_fault();
}
