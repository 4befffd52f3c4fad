/* 8259A pair (data sheet 231468-003; edge/level control of the 82371): twin of src/devices/i8259-pic.ts. */
#include "devices.h"

#define CASCADE 2
#define SPURIOUS 7

static struct chip {
    uint8_t pins, edges, level_triggered, level_mode, mask, service, vector_base, lowest;
    uint8_t next_icw, icw1, auto_eoi, rotate, fully_nested, special_mask, read_service, poll;
} chips[2];
static int outputs[2];

static uint8_t requests(const struct chip *c) {
    return c->pins & (c->level_mode ? 0xFF : c->edges | c->level_triggered);
}

static uint8_t blocking(const struct chip *c) { return c->special_mask ? c->service & ~c->mask : c->service; }

static int highest(const struct chip *c, uint8_t bits) {
    for (int rank = 1; bits && rank <= 8; rank++) {
        int input = (c->lowest + rank) & 7;
        if (bits >> input & 1) return input;
    }
    return -1;
}

static int pending(const struct chip *c) {
    int input = highest(c, requests(c) & ~c->mask), served;
    if (input < 0) return -1;
    uint8_t block = blocking(c);
    if (c->fully_nested && c == &chips[0] && input == CASCADE) block &= ~(1 << CASCADE);
    served = highest(c, block);
    if (served < 0) return input;
    return ((input - c->lowest - 1) & 7) < ((served - c->lowest - 1) & 7) ? input : -1;
}

static void set_pin(struct chip *c, int input, int level);

static void output(struct chip *c, int level) {
    int which = c != &chips[0];
    if (outputs[which] == level) return;
    outputs[which] = level;
    if (which) set_pin(&chips[0], CASCADE, level);
    else devices_interrupt(level);
}

static void update(struct chip *c) { output(c, pending(c) >= 0); }

static void set_pin(struct chip *c, int input, int level) {
    uint8_t bit = (uint8_t)(1 << input);
    if (level) {
        if (!(c->pins & bit)) c->edges |= bit;
        c->pins |= bit;
    } else {
        c->pins &= ~bit;
        c->edges &= ~bit;
    }
    update(c);
}

static void start(struct chip *c) {
    struct chip old = *c;
    *c = (struct chip){.pins = old.pins, .level_triggered = old.level_triggered, .vector_base = old.vector_base};
    c->lowest = SPURIOUS;
}

void pic_reset(void) {
    for (int i = 1; i >= 0; i--) {
        start(&chips[i]);
        chips[i].level_triggered = chips[i].vector_base = 0;
        update(&chips[i]);
    }
}

/* The line's own level decides whether there is a change; the pins keep it. */
void pic_line(uint32_t input, int level) {
    struct chip *c = &chips[input >> 3];
    if ((c->pins >> (input & 7) & 1) != level) set_pin(c, input & 7, level);
}

static int acknowledge(struct chip *c, int *spurious) {
    int input = pending(c);
    *spurious = input < 0;
    if (input < 0) return SPURIOUS;
    c->edges &= ~(1 << input);
    if (!c->auto_eoi) c->service |= 1 << input;
    else if (c->rotate) c->lowest = (uint8_t)input;
    output(c, 0);
    update(c);
    return input;
}

uint32_t pic_acknowledge(void) {
    int spurious, input = acknowledge(&chips[0], &spurious);
    if (input != CASCADE || spurious) return chips[0].vector_base | (uint32_t)input;
    input = acknowledge(&chips[1], &spurious);
    return chips[1].vector_base | (uint32_t)input;
}

static void write_data(struct chip *c, uint8_t value) {
    int needs_icw4 = c->icw1 & 1;
    switch (c->next_icw) {
    case 0: c->mask = value; break;
    case 2:
        c->vector_base = value & 0xF8;
        c->next_icw = c->icw1 & 2 ? (needs_icw4 ? 4 : 0) : 3;
        break;
    case 3: c->next_icw = needs_icw4 ? 4 : 0; break;
    default:
        c->auto_eoi = (value & 2) != 0;
        c->fully_nested = (value & 0x10) != 0;
        c->next_icw = 0;
    }
}

static void write_ocw2(struct chip *c, uint8_t value) {
    int rotate = value >> 7, specific = value & 0x40, input;
    if (!(value & 0x20)) {
        if (specific && rotate) c->lowest = value & 7;
        else if (!specific) c->rotate = (uint8_t)rotate;
        return;
    }
    input = specific ? value & 7 : highest(c, blocking(c));
    if (input < 0) return;
    c->service &= ~(1 << input);
    if (rotate) c->lowest = (uint8_t)input;
}

static void write_command(struct chip *c, uint8_t value) {
    if (value & 0x10) {
        start(c);
        c->level_mode = (value & 8) != 0;
        c->icw1 = value;
        c->next_icw = 2;
    } else if (value & 8) {
        if (value & 4) c->poll = 1;
        if (value & 2) c->read_service = value & 1;
        if (value & 0x40) c->special_mask = (value & 0x20) != 0;
    } else {
        write_ocw2(c, value);
    }
}

uint32_t pic_read(uint16_t port) {
    if (port >= 0x4D0) return chips[port & 1].level_triggered;
    struct chip *c = &chips[port >= 0xA0];
    if (c->poll) {
        int spurious, input;
        c->poll = 0;
        input = acknowledge(c, &spurious);
        return spurious ? 0 : 0x80 | (uint32_t)input;
    }
    if (port & 1) return c->mask;
    return c->read_service ? c->service : requests(c);
}

void pic_write(uint16_t port, uint8_t value) {
    struct chip *c = &chips[port >= 0x4D0 ? port & 1 : port >= 0xA0];
    if (port >= 0x4D0) c->level_triggered = value & (port & 1 ? 0xDE : 0xF8);
    else if (port & 1) write_data(c, value);
    else write_command(c, value);
    update(c);
}
