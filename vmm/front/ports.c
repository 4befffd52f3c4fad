/* Port I/O by sites (Intel SDM volume 2: IN, OUT, INS, OUTS), and what the chips need of their surroundings. A repeated
 * instruction is one operation; a fault in the middle leaves the registers where it happened.
 */
#include "front.h"
#include "../devices/devices.h"

/* Virtual time is the back end's, from the start of the guest. */
uint64_t time_now(void) { return backend_time(); }

/* A chip is touched, or time passes for it: the next deadline has to be asked for again. */
static void catch_up(void) {
    vmm_work |= WORK_TIMER;
    devices_advance(time_now());
}

/* The same for one access; the network card knows no time. The deadline stays where nothing has come to pass, and no chip
 * has another event ahead after the access. */
static void catch_up_for(uint16_t port) {
    if ((port & ~31) != 0x300 && devices_advance(time_now())) vmm_work |= WORK_TIMER;
}
static void caught_up(void) {
    if (!devices_quiet) vmm_work |= WORK_TIMER;
}

static uint32_t port_of(const struct operand *o) {
    /* E4 to E7 name the port; EC to EF, and the string forms, take DX. */
    return (o->opcode & 0xFC) == 0xE4 ? o->immediate & 0xFF : EDX & 0xFFFF;
}

static uint32_t width_of(const struct operand *o) { return o->opcode & 1 ? operand_size(o) : 1; }

int operate_in(const struct operand *o) {
    uint16_t port = (uint16_t)port_of(o);
    catch_up_for(port);
    set_register(REGISTER_EAX, width_of(o), devices_read(port, width_of(o)));
    caught_up();
    return DONE;
}

int operate_out(const struct operand *o) {
    uint32_t width = width_of(o);
    uint16_t port = (uint16_t)port_of(o);
    catch_up_for(port);
    devices_write(port, width, width == 4 ? EAX : EAX & ((1u << 8 * width) - 1));
    caught_up();
    return DONE;
}

/* What direct.S does: bytes from and to the chips of the board, and the counter. */
static const struct operand *board(uint32_t end, uint16_t *port) {
    const struct operand *o = &((const struct operand *)OPERAND_TABLE)[*(const uint16_t *)end];
    *port = (uint16_t)port_of(o);
    if (o->opcode & 1 || *port >= 0x400 || (*port & ~31) == 0x300 || (*port & ~15) == 0x1F0 || *port == 0x3F6) return 0;
    if (devices_advance(backend_time())) vmm_work |= WORK_TIMER;
    return o;
}

__attribute__((regparm(1))) uint32_t vmm_short_in(uint32_t end) {
    uint16_t port;
    const struct operand *o = board(end, &port);
    if (!o) return 0;
    EAX = (EAX & 0xFFFFFF00) | (devices_read(port, 1) & 0xFF);
    caught_up();
    return end - 6 + o->site_bytes;
}

__attribute__((regparm(1))) uint32_t vmm_short_out(uint32_t end) {
    uint16_t port;
    const struct operand *o = board(end, &port);
    if (!o) return 0;
    devices_write(port, 1, EAX & 0xFF);
    caught_up();
    return end - 6 + o->site_bytes;
}

/* As many units of a repeated transfer as lie in one page and one block of the chip's. Returns their number, 0 when the
 * next one is to be moved alone, -1 with pending_fault. */
static int bulk(uint16_t port, uint32_t width, int in) {
    uint32_t linear = in ? EDI : ESI, count = (4096 - (linear & 4095)) / width, value;
    uint8_t *data;
    if (vcpu.eflags & FLAG_DF) return 0;
    count = devices_bulk(port, in, width, count < ECX ? count : ECX, &data);
    if (!count) return 0;
    /* The page is mapped with the rights that are needed before anything is moved. */
    if (!guest_load8(linear, &value) || (in && !guest_store8(linear, value))) return -1;
    uint8_t *from = in ? data : (uint8_t *)linear, *to = in ? (uint8_t *)linear : data;
    uint32_t bytes = count * width, words = bytes / 4, rest = bytes & 3;
    asm volatile("rep movsl\n\tmovl %3, %%ecx\n\trep movsb" : "+S"(from), "+D"(to), "+c"(words) : "r"(rest) : "memory");
    devices_moved(port, bytes);
    if (in) EDI += bytes;
    else ESI += bytes;
    ECX -= count;
    return (int)count;
}

static int string(const struct operand *o, int in) {
    uint32_t width = width_of(o), step = vcpu.eflags & FLAG_DF ? -width : width, value;
    uint16_t port = (uint16_t)EDX;
    vmm_work |= WORK_TIMER;
    catch_up_for(port);
    for (;;) {
        if (o->flags & OPERAND_REPEATED) {
            if (ECX == 0) return DONE;
            int moved = bulk(port, width, in);
            if (moved < 0) return inject_fault();
            /* An interrupt is taken between two units, and the instruction goes on afterwards. */
            if (moved && ECX && vcpu.attention && vcpu.interrupt_flag) return MOVED;
            if (moved) continue;
        }
        if (in) {
            /* The destination is checked before the port is read: what a port gives cannot be given back. */
            if (!guest_load(EDI, width, &value) || !table_store(EDI, value, width)) return inject_fault();
            if (!guest_store(EDI, width, devices_read(port, width))) return inject_fault();
            EDI += step;
        } else {
            if (!guest_load(ESI, width, &value)) return inject_fault();
            devices_write(port, width, value);
            ESI += step;
        }
        if (!(o->flags & OPERAND_REPEATED)) return DONE;
        ECX--;
    }
}
int operate_ins(const struct operand *o) { return string(o, 1); }
int operate_outs(const struct operand *o) { return string(o, 0); }

void devices_service(uint32_t events) {
    int byte;
    catch_up();
    while (events & EVENT_CONSOLE && (byte = backend_console_read()) >= 0) uart_input((uint8_t)byte);
    if (events & EVENT_BLOCK) ide_answered();
    if (events & EVENT_NET) ne2000_receive();
}

uint64_t devices_next(void) { return devices_deadline(); }

uint32_t devices_acknowledge(void) {
    catch_up();
    return pic_acknowledge();
}

void devices_interrupt(int level) {
    if (level) asm volatile("orl %1, %0" : "+m"(vcpu.attention) : "r"(ATTENTION_INTERRUPT) : "cc");
    else asm volatile("andl %1, %0" : "+m"(vcpu.attention) : "r"(~ATTENTION_INTERRUPT) : "cc");
}

void devices_console(uint8_t byte) { backend_console_write(&byte, 1); }
void devices_post(uint8_t byte) { (void)byte; }
void devices_reset(void) { backend_stop(STOP_RESET, 0); }
void devices_power_off(void) { backend_stop(STOP_POWER_OFF, 0); }
void devices_exit(uint32_t value) {
    vcpu.exit_value = value;
    backend_stop(STOP_DEBUG_EXIT, 0);
}

void ports_start(void) {
    devices_start(time_now(), backend_wall_clock(), (uint64_t)platform.guest_frames << 12);
}
