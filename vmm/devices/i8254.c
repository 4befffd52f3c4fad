/* 8254 (data sheet 231164-005) and port 0x61: twin of src/devices/i8254-counter.ts, i8254-pit.ts and port61.ts. Counts in
 * closed form over clock ticks. */
#include "devices.h"

#define HALF_SECOND 500000000u
#define TICKS 596591u
#define REFRESH 15085

#define INITIAL {.mode = 3, .gate = 1, .frozen_output = 1, .paused_after = -1, .next_at = -1}

static struct counter {
    uint8_t mode, bcd, gate, started, frozen_output;
    uint32_t count, next, frozen;
    int64_t loaded_at, paused_after, next_at;
    uint8_t access, write_high, written_low, read_high;
    int32_t latched_count, latched_status;
} counters[3] = {INITIAL, INITIAL, INITIAL};
static uint8_t control61;
/* When counter 0 changes its output next, and when that rises next; the second is found out when it is asked for. */
static uint64_t event, rise;
static int rise_known;

static int64_t tick_of(uint64_t now) {
    /* The half second that was asked for last. */
    static uint64_t start, start_tick;
    if (now - start >= HALF_SECOND) {
        uint32_t rest;
        uint64_t whole = divide(now, HALF_SECOND, &rest);
        start = now - rest;
        start_tick = whole * TICKS;
    }
    return (int64_t)(start_tick + divide((uint64_t)(uint32_t)(now - start) * TICKS, HALF_SECOND, 0));
}

static uint64_t time_of(int64_t tick) {
    uint32_t rest;
    uint64_t whole = divide((uint64_t)tick, TICKS, &rest);
    return whole * HALF_SECOND + divide((uint64_t)rest * HALF_SECOND + TICKS - 1, TICKS, 0);
}

static int triggered(const struct counter *c) { return c->mode == 1 || c->mode == 5; }
static int periodic(const struct counter *c) { return c->mode == 2 || c->mode == 3; }
static int64_t modulus(const struct counter *c) { return c->bcd ? 10000 : 0x10000; }
static int64_t elapsed(const struct counter *c, int64_t tick) {
    return c->paused_after >= 0 ? c->paused_after : tick - c->loaded_at;
}
/* Remainder of a 64-bit number that may be negative. */
static uint32_t remainder_of(int64_t value, uint32_t by) {
    uint32_t rest;
    divide((uint64_t)(value < 0 ? -value : value), by, &rest);
    return value < 0 && rest ? by - rest : rest;
}

static uint32_t element(const struct counter *c, int64_t tick) {
    int64_t passed = elapsed(c, tick);
    if (!c->started || passed < 0) return c->frozen;
    if (c->mode == 2) return c->count - remainder_of(passed, c->count);
    if (c->mode == 3) {
        uint32_t phase = remainder_of(passed, c->count), high = (c->count + 1) / 2;
        return (c->count & ~1u) - 2 * (phase < high ? phase : phase - high);
    }
    return remainder_of((int64_t)c->count - passed, (uint32_t)modulus(c));
}

static void settle(struct counter *c, int64_t tick) {
    if (!c->next || c->next_at < 0 || tick < c->next_at) return;
    uint32_t phase = remainder_of(c->next_at - c->loaded_at, c->count);
    c->count = c->next;
    c->loaded_at = phase == 0 ? c->next_at : c->next_at - (c->next + 1) / 2;
    c->next = 0;
    c->next_at = -1;
}

static int output(struct counter *c, int64_t tick) {
    settle(c, tick);
    if (periodic(c) && c->paused_after >= 0) return 1;
    int64_t passed = elapsed(c, tick);
    if (!c->started || passed < 0) return c->frozen_output;
    switch (c->mode) {
    case 0:
    case 1: return passed >= c->count;
    case 2: return remainder_of(passed, c->count) != c->count - 1;
    case 3: return remainder_of(passed, c->count) < (c->count + 1) / 2;
    default: return passed != c->count;
    }
}

/* The next tick at which the output may change, or -1. */
static int64_t next_change(struct counter *c, int64_t tick) {
    settle(c, tick);
    if (!c->started || c->paused_after >= 0) return -1;
    if (tick < c->loaded_at) return c->loaded_at;
    if (periodic(c)) {
        uint32_t phase = remainder_of(tick - c->loaded_at, c->count);
        uint32_t low = c->mode == 2 ? c->count - 1 : (c->count + 1) / 2;
        int64_t change = tick - phase + (phase < low ? low : c->count);
        return c->next_at > tick && c->next_at < change ? c->next_at : change;
    }
    int64_t end = c->loaded_at + c->count;
    if (tick < end) return end;
    return tick == end && c->mode >= 4 ? end + 1 : -1;
}

static void start(struct counter *c, uint32_t count, int64_t tick) {
    c->frozen = element(c, tick);
    c->frozen_output = (uint8_t)output(c, tick);
    c->count = count;
    c->next = 0;
    c->next_at = -1;
    c->started = 1;
    c->loaded_at = tick + 1;
}

static void configure(struct counter *c, uint8_t mode, uint8_t bcd, int64_t tick) {
    c->frozen = element(c, tick);
    c->mode = mode;
    c->bcd = bcd;
    c->frozen_output = mode != 0;
    c->count = c->next = 0;
    c->started = 0;
    c->loaded_at = 0;
    c->paused_after = c->next_at = -1;
}

static uint32_t from_register(const struct counter *c, uint32_t v) {
    if (!c->bcd) return v;
    return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 + (v >> 12 & 15) * 1000;
}

static uint32_t to_register(const struct counter *c, uint32_t v) {
    if (!c->bcd) return v & 0xFFFF;
    v %= 10000;
    return v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 << 12;
}

static void load(struct counter *c, uint32_t written, int64_t tick) {
    settle(c, tick);
    uint32_t count = from_register(c, written);
    if (!count) count = (uint32_t)modulus(c);
    if (triggered(c)) {
        c->next = count;
        c->next_at = -1;
    } else if (periodic(c) && c->started && tick >= c->loaded_at) {
        uint32_t phase = remainder_of(tick - c->loaded_at, c->count), half = (c->count + 1) / 2;
        c->next = count;
        c->next_at = c->gate ? tick - phase + (c->mode == 3 && phase < half ? half : c->count) : -1;
    } else {
        start(c, count, tick);
        c->frozen = c->mode == 3 ? count & ~1u : count;
        c->frozen_output = c->mode != 0;
        c->paused_after = c->gate ? -1 : 0;
    }
}

static void set_gate(struct counter *c, int gate, int64_t tick) {
    settle(c, tick);
    if (gate == c->gate) return;
    c->gate = (uint8_t)gate;
    if (gate) {
        if (triggered(c) || periodic(c)) {
            uint32_t count = c->next ? c->next : c->count;
            if (count) start(c, count, tick);
        } else if (c->started && c->loaded_at < tick - c->paused_after) {
            c->loaded_at = tick - c->paused_after;
        }
        c->paused_after = -1;
    } else if (!triggered(c) && c->started) {
        int64_t passed = elapsed(c, tick);
        c->paused_after = passed < 0 ? 0 : passed;
        c->next_at = -1;
    }
}

void pit_follow(void) {
    int64_t tick = tick_of(devices_now), change;
    pic_line(0, output(&counters[0], tick));
    change = next_change(&counters[0], tick);
    event = change < 0 ? NEVER : time_of(change);
    devices_quiet = 0;
    rise_known = 0;
}

uint64_t pit_event(void) { return event; }

/* When the output rises next: the only change that can bring an interrupt. */
uint64_t pit_rise(void) {
    if (event == NEVER || rise_known) return event == NEVER ? NEVER : rise;
    struct counter copy = counters[0];
    int64_t change = next_change(&copy, tick_of(devices_now));
    rise = event;
    if (!output(&copy, change)) {
        change = next_change(&copy, change);
        rise = change < 0 ? NEVER : time_of(change);
    }
    rise_known = 1;
    return rise;
}

static void fresh_access(struct counter *c, uint8_t access) {
    c->access = access;
    c->write_high = c->written_low = c->read_high = 0;
    c->latched_count = c->latched_status = -1;
}

void pit_reset(void) {
    int64_t tick = tick_of(devices_now);
    for (int i = 0; i < 3; i++) {
        struct counter *c = &counters[i];
        fresh_access(c, 3);
        configure(c, i == 0 ? 0 : 3, 0, tick);
        set_gate(c, i != 2, tick);
    }
    control61 = 0;
    pit_follow();
}

static uint32_t counter_read(struct counter *c, int64_t tick) {
    if (c->next) settle(c, tick);
    return to_register(c, element(c, tick));
}

static void latch_status(struct counter *c, int64_t tick) {
    if (c->latched_status >= 0) return;
    int high = output(c, tick), null = c->next != 0 || c->count == 0 || tick < c->loaded_at;
    c->latched_status = high << 7 | null << 6 | c->access << 4 | c->mode << 1 | c->bcd;
}

static void latch_count(struct counter *c, int64_t tick) {
    if (c->latched_count < 0) c->latched_count = (int32_t)counter_read(c, tick);
}

uint32_t pit_read(uint16_t port) {
    uint32_t index = port & 3;
    if (index == 3) return 0xFF;
    struct counter *c = &counters[index];
    if (c->latched_status >= 0) {
        uint32_t status = (uint32_t)c->latched_status;
        c->latched_status = -1;
        return status;
    }
    uint32_t count = c->latched_count >= 0 ? (uint32_t)c->latched_count : counter_read(c, tick_of(devices_now));
    int high = c->access == 2 || (c->access != 1 && c->read_high);
    if (c->access == 1 || c->access == 2 || high) c->latched_count = -1;
    if (c->access == 3) c->read_high ^= 1;
    return high ? count >> 8 : count & 0xFF;
}

static void write_control(uint8_t value, int64_t tick) {
    uint32_t index = value >> 6, access = value >> 4 & 3, mode = value >> 1 & 7;
    if (index == 3) {
        for (int i = 0; i < 3; i++) {
            if (!(value & 2 << i)) continue;
            if (!(value & 0x20)) latch_count(&counters[i], tick);
            if (!(value & 0x10)) latch_status(&counters[i], tick);
        }
    } else if (access == 0) {
        latch_count(&counters[index], tick);
    } else {
        fresh_access(&counters[index], (uint8_t)access);
        configure(&counters[index], (uint8_t)(mode > 5 ? mode - 4 : mode), value & 1, tick);
    }
}

void pit_write(uint16_t port, uint8_t value) {
    int64_t tick = tick_of(devices_now);
    struct counter *c = &counters[port & 3];
    if ((port & 3) == 3) {
        write_control(value, tick);
    } else if (c->access == 1) {
        load(c, value, tick);
    } else if (c->access == 2) {
        load(c, (uint32_t)value << 8, tick);
    } else if (c->write_high) {
        c->write_high = 0;
        load(c, (uint32_t)value << 8 | c->written_low, tick);
    } else {
        c->write_high = 1;
        c->written_low = value;
        if (c->mode == 0) configure(c, 0, c->bcd, tick);
    }
    pit_follow();
}

uint32_t port61_read(void) {
    uint32_t refresh = (uint32_t)divide(devices_now, REFRESH, 0) & 1;
    return control61 | refresh << 4 | (uint32_t)output(&counters[2], tick_of(devices_now)) << 5;
}

void port61_write(uint8_t value) {
    control61 = value & 15;
    set_gate(&counters[2], value & 1, tick_of(devices_now));
}
