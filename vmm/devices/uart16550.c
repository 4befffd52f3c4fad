/* PC16550D (data sheet TL/C/8652): twin of src/devices/uart16550.ts. COM1 is the console, COM2 has nothing at its end. */
#include "devices.h"

#define FIFO 16
#define QUEUE 4096
#define CRYSTAL 1843200u
#define CONNECTED 0xB0

static struct uart {
    uint8_t enable, line, modem, modem_set, status, scratch, fifo, trigger, count, overrun, empty, timed_out;
    uint16_t divisor;
    uint8_t received[FIFO];
    uint64_t timeout;
} uarts[2];

/* Bytes that the other end has sent and that the chip has not taken yet. */
static uint8_t queue[QUEUE];
static uint32_t queue_head, queue_tail;

static int looped(const struct uart *u) { return u->modem & 0x10; }
static uint32_t room(const struct uart *u) { return u->fifo ? FIFO : 1; }

static int source(const struct uart *u) {
    if (u->enable & 4 && u->overrun) return 6;
    if (u->enable & 1) {
        if (u->count >= u->trigger) return 4;
        if (u->timed_out) return 12;
    }
    if (u->enable & 2 && u->empty) return 2;
    if (u->enable & 8 && u->status & 15) return 0;
    return 1;
}

static void update(struct uart *u) {
    pic_line(u == &uarts[0] ? 4 : 3, source(u) != 1 && (u->modem & 0x18) == 8);
}

static uint64_t character_time(const struct uart *u) {
    uint32_t bits = 1 + 5 + (u->line & 3) + (u->line & 8 ? 1 : 0) + (u->line & 4 ? 2 : 1);
    uint64_t numerator = (uint64_t)bits * 16 * (u->divisor ? u->divisor : 0x10000);
    /* Rounded to the nearest, in two steps: the product with 10^9 has more than 64 bits at the slowest rates. */
    uint32_t rest;
    uint64_t whole = divide(numerator, CRYSTAL, &rest);
    return whole * 1000000000u + divide((uint64_t)rest * 1000000000u + CRYSTAL / 2, CRYSTAL, 0);
}

static void restart_timeout(struct uart *u) {
    u->timeout = u->fifo && u->count ? devices_now + character_time(u) * 4 : NEVER;
    devices_quiet = 0;
}

static void accept(struct uart *u, uint8_t byte) {
    if (u->count < room(u)) {
        u->received[u->count++] = byte;
    } else {
        u->overrun = 1;
        if (!u->fifo) u->received[0] = byte;
    }
    restart_timeout(u);
}

static int ready(const struct uart *u) { return !looped(u) && (!u->modem_set || u->modem & 2 || u->enable & 1); }

static void receive(struct uart *u) {
    if (!ready(u)) return;
    while (u == &uarts[0] && u->count < room(u) && queue_head != queue_tail) accept(u, queue[queue_head++ % QUEUE]);
    update(u);
}

void uart_input(uint8_t byte) {
    if (queue_tail - queue_head < QUEUE) queue[queue_tail++ % QUEUE] = byte;
    receive(&uarts[0]);
}

void uart_reset(uint32_t number) {
    struct uart *u = &uarts[number];
    *u = (struct uart){.status = CONNECTED, .divisor = 12, .trigger = 1, .timeout = NEVER};
    receive(u);
    update(u);
}

uint64_t uart_event(uint32_t number) { return uarts[number].timeout; }

void uart_timeout(uint32_t number) {
    uarts[number].timeout = NEVER;
    devices_quiet = 0;
    uarts[number].timed_out = 1;
    update(&uarts[number]);
}

static uint8_t read_receiver(struct uart *u) {
    uint8_t byte = u->count ? u->received[0] : 0;
    if (u->count) {
        u->count--;
        for (uint32_t i = 0; i < u->count; i++) u->received[i] = u->received[i + 1];
    }
    u->timed_out = 0;
    restart_timeout(u);
    receive(u);
    return byte;
}

uint32_t uart_read(uint32_t number, uint32_t offset) {
    struct uart *u = &uarts[number];
    int latch = u->line & 0x80;
    uint32_t value;
    switch (offset) {
    case 0: value = latch ? u->divisor & 0xFF : read_receiver(u); break;
    case 1: value = latch ? u->divisor >> 8 : u->enable; break;
    case 2:
        value = (uint32_t)source(u) | (u->fifo ? 0xC0 : 0);
        if ((value & 15) == 2) u->empty = 0;
        break;
    case 3: value = u->line; break;
    case 4: value = u->modem; break;
    case 5:
        value = 0x60 | (u->count ? 1 : 0) | (u->overrun ? 2 : 0);
        u->overrun = 0;
        break;
    case 6:
        value = u->status;
        u->status &= 0xF0;
        break;
    default: value = u->scratch;
    }
    update(u);
    return value;
}

static void write_fifo_control(struct uart *u, uint8_t value) {
    static const uint8_t levels[] = {1, 4, 8, 14};
    uint8_t enable = value & 1;
    if (enable != u->fifo || value & 2) {
        /* Where the queue's end has taken their places, they are lost. */
        while (!looped(u) && u->count && u == &uarts[0] && queue_tail - queue_head < QUEUE)
            queue[--queue_head % QUEUE] = u->received[--u->count];
        u->count = u->timed_out = 0;
        u->timeout = NEVER;
    }
    u->fifo = enable;
    u->trigger = enable ? levels[value >> 6] : 1;
    receive(u);
}

static void write_modem_control(struct uart *u, uint8_t value) {
    u->modem = value;
    u->modem_set = 1;
    int lines = looped(u) ? (value & 1) << 5 | (value & 2) << 3 | (value & 4) << 4 | (value & 8) << 4 : CONNECTED;
    int changed = (lines ^ u->status) & 0xF0, ring_ended = changed & 0x40 & ~lines;
    u->status = (uint8_t)(lines | (u->status & 15) | ((changed & ~0x40) | ring_ended) >> 4);
    receive(u);
}

void uart_write(uint32_t number, uint32_t offset, uint8_t value) {
    struct uart *u = &uarts[number];
    int latch = u->line & 0x80;
    switch (offset) {
    case 0:
        if (latch) {
            u->divisor = (uint16_t)((u->divisor & 0xFF00) | value);
            break;
        }
        if (looped(u)) accept(u, value);
        else if (number == 0) devices_console(value);
        u->empty = 1;
        break;
    case 1:
        if (latch) {
            u->divisor = (uint16_t)((u->divisor & 0xFF) | value << 8);
            break;
        }
        value &= 15;
        if (value & ~u->enable & 2) u->empty = 1;
        u->enable = value;
        receive(u);
        break;
    case 2: write_fifo_control(u, value); break;
    case 3: u->line = value; break;
    case 4: write_modem_control(u, value & 0x1F); break;
    case 7: u->scratch = value; break;
    default: break;
    }
    update(u);
}
