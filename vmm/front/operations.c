/* From a site to the operation's function, and operands: where they are, reading and writing them. */
#include "front.h"

typedef int operation(const struct operand *o);
#define DECLARE(number, name) operation operate_##name;
OPERATIONS(DECLARE)
#define ENTRY(number, name) operate_##name,
#define DIRECT_ENTRY(number, name, operation, segment, register) operate_##operation,
static operation *const operations[] = {OPERATIONS(ENTRY) DIRECT_OPERATIONS(DIRECT_ENTRY)};
#define DIRECT_OPERAND(number, name, operation, segment, register) \
    {.site_bytes = DIRECT_BYTES, .reg = segment, .rm = register, .base = OPERAND_NONE, .index = OPERAND_NONE},
static const struct operand direct_operands[] = {DIRECT_OPERATIONS(DIRECT_OPERAND)};

/* A call is FF 15 and the vector's address. */
#define CALL_BYTES 6

/* These have no operand, or one with a number of a byte: see src/isa/substitutions.ts. */
static int has_number(uint32_t number) {
    return number != OPERATION_IRET && number != OPERATION_FAR_RETURN && number != OPERATION_UNDEFINED_LEAVE;
}

__attribute__((regparm(1))) void vmm_operation(uint32_t number) {
    static const struct operand none = {.site_bytes = CALL_BYTES};
    uint32_t end = vcpu.eip, start = end - CALL_BYTES;
    const struct operand *o = &none;
    if (number >= OPERATION_COUNT) {
        o = &direct_operands[number - OPERATION_COUNT];
        start = end - DIRECT_BYTES;
    } else if (has_number(number)) {
        uint32_t index = number == OPERATION_FAR_JUMP ? *(const uint8_t *)end : *(const uint16_t *)end;
        o = &((const struct operand *)OPERAND_TABLE)[index];
    }
    vcpu.eip = start;
    if (operations[number](o)) vcpu.eip = start + o->site_bytes;
}

int guest_load(uint32_t linear, uint32_t size, void *value) {
    *(uint32_t *)value = 0;
    return size == 1 ? guest_load8(linear, value) : size == 2 ? guest_load16(linear, value) : guest_load32(linear, value);
}

int guest_store(uint32_t linear, uint32_t size, uint32_t value) {
    return size == 1   ? guest_store8(linear, value)
           : size == 2 ? guest_store16(linear, value)
                       : guest_store32(linear, value);
}

/* Sets 1, 2 or 4 bytes of a register; byte registers 4 to 7 are AH to BH. */
void set_register(uint32_t number, uint32_t size, uint32_t value) {
    if (size == 4) {
        vcpu.registers[number] = value;
    } else if (size == 2) {
        vcpu.registers[number] = (vcpu.registers[number] & 0xFFFF0000) | (value & 0xFFFF);
    } else {
        uint32_t shift = number & 4 ? 8 : 0;
        uint32_t old = vcpu.registers[number & 3];
        vcpu.registers[number & 3] = (old & ~(0xFFu << shift)) | (value & 0xFF) << shift;
    }
}

int operand_read(const struct operand *o, uint32_t size, uint32_t *value) {
    if (o->rm == OPERAND_MEMORY) return guest_load(operand_address(o), size, value);
    *value = size == 2 ? vcpu.registers[o->rm] & 0xFFFF : vcpu.registers[o->rm];
    return 1;
}

int operand_write(const struct operand *o, uint32_t size, uint32_t value) {
    if (o->rm == OPERAND_MEMORY) return guest_store(operand_address(o), size, value);
    set_register(o->rm, size, value);
    return 1;
}
