/* MC146818 real-time clock with the PC's CMOS RAM (data sheet ADI1026R1): twin of src/devices/mc146818-rtc.ts and
 * mc146818-calendar.ts. */
#include "devices.h"

#define SECOND 1000000000u
#define UIP 244000u
#define CHAIN_HERTZ 32768u
#define REGISTER_A 10
#define REGISTER_B 11
#define REGISTER_C 12
#define REGISTER_D 13
#define B_SET 0x80
#define B_PERIODIC 0x40
#define B_ALARM 0x20
#define B_UPDATE 0x10
#define CENTURY 0x32
#define DAY_SECONDS 86400

uint8_t rtc_ram[128];
static uint8_t rtc_index;
static int64_t chain_start, updates, periods;
static uint64_t event;

static int64_t floor_divide(int64_t value, uint32_t by, uint32_t *rest) {
    uint32_t r;
    int64_t quotient = (int64_t)divide((uint64_t)(value < 0 ? -value : value), by, &r);
    if (value < 0) {
        quotient = -quotient - (r != 0);
        r = r ? by - r : 0;
    }
    if (rest) *rest = r;
    return quotient;
}

static uint8_t to_bcd(uint32_t v) { return (uint8_t)(v / 10 << 4 | v % 10); }
static uint32_t from_bcd(uint8_t v) { return (v >> 4) * 10u + (v & 15u); }
static uint8_t encode(uint32_t v) { return rtc_ram[REGISTER_B] & 4 ? (uint8_t)v : to_bcd(v); }
static uint32_t decode(uint8_t v) { return rtc_ram[REGISTER_B] & 4 ? v : from_bcd(v); }
static uint32_t decode_hours(uint8_t v) {
    if (rtc_ram[REGISTER_B] & 2) return decode(v);
    return decode(v & 0x7F) % 12 + (v & 0x80 ? 12 : 0);
}
static uint32_t seconds_of_day(uint8_t s, uint8_t m, uint8_t h) { return decode(s) + decode(m) * 60 + decode_hours(h) * 3600; }

/* Days since 1970 of the first of March of `year`, counted from 0000: Gregorian. */
static int64_t march_days(int64_t year) {
    return year * 365 + floor_divide(year, 4, 0) - floor_divide(year, 100, 0) + floor_divide(year, 400, 0) - 719468 ;
}

static void write_time(int64_t seconds) {
    uint32_t rest, weekday, day_of_year, month, hours;
    int64_t days = floor_divide(seconds, DAY_SECONDS, &rest);
    floor_divide(days + 4, 7, &weekday);
    /* The year that began on the last first of March. */
    int64_t year = floor_divide((days + 719468) * 400, 146097, 0);
    while (march_days(year + 1) <= days) year++;
    while (march_days(year) > days) year--;
    day_of_year = (uint32_t)(days - march_days(year));
    month = (5 * day_of_year + 2) / 153;
    rtc_ram[7] = encode(day_of_year - (153 * month + 2) / 5 + 1);
    month = month < 10 ? month + 3 : month - 9;
    if (month <= 2) year++;
    hours = rest / 3600;
    rtc_ram[0] = encode(rest % 60);
    rtc_ram[2] = encode(rest / 60 % 60);
    if (rtc_ram[REGISTER_B] & 2) rtc_ram[4] = encode(hours);
    else rtc_ram[4] = encode(hours % 12 ? hours % 12 : 12) | (hours >= 12 ? 0x80 : 0);
    rtc_ram[6] = encode(weekday + 1);
    rtc_ram[8] = encode(month);
    rtc_ram[9] = encode((uint32_t)year % 100);
    rtc_ram[CENTURY] = to_bcd((uint32_t)year / 100);
}

/* The time in the registers; fields out of range carry over. */
static int64_t read_time(void) {
    int64_t year = from_bcd(rtc_ram[CENTURY]) * 100 + decode(rtc_ram[9]);
    int64_t month = (int64_t)decode(rtc_ram[8]) - 1, day = decode(rtc_ram[7]);
    uint32_t months;
    /* As Date.UTC has it: the years 0 to 99 are those of the 20th century. */
    if (year < 100) year += 1900;
    year += floor_divide(month, 12, &months);
    uint32_t march_month = months >= 2 ? months - 2 : months + 10;
    if (months < 2) year--;
    int64_t days = march_days(year) + (153 * march_month + 2) / 5 + day - 1;
    return days * DAY_SECONDS + seconds_of_day(rtc_ram[0], rtc_ram[2], rtc_ram[4]);
}

static int matches_alarm(int64_t seconds) {
    uint32_t start = seconds_of_day(rtc_ram[0], rtc_ram[2], rtc_ram[4]);
    uint32_t second = decode(rtc_ram[1]), minute = decode(rtc_ram[3]), hour = decode_hours(rtc_ram[5]);
    for (uint32_t passed = 1; passed <= DAY_SECONDS && passed <= seconds; passed++) {
        uint32_t time = (start + passed) % DAY_SECONDS;
        if ((rtc_ram[1] >= 0xC0 || second == time % 60) && (rtc_ram[3] >= 0xC0 || minute == time / 60 % 60) &&
            (rtc_ram[5] >= 0xC0 || hour == time / 3600))
            return 1;
    }
    return 0;
}

static int running(void) { return (rtc_ram[REGISTER_A] & 0x70) == 0x20; }
static int updating(void) { return running() && !(rtc_ram[REGISTER_B] & B_SET); }

static uint32_t period_ticks(void) {
    uint32_t rate = rtc_ram[REGISTER_A] & 15;
    return rate == 0 ? 0 : 1u << ((rate < 3 ? rate + 7 : rate) - 1);
}

static int64_t periods_at(uint64_t now) {
    uint32_t ticks = period_ticks(), rest;
    if (ticks == 0) return 0;
    int64_t seconds = floor_divide((int64_t)now - chain_start, SECOND, &rest);
    int64_t chain = seconds * CHAIN_HERTZ + (int64_t)divide((uint64_t)rest * CHAIN_HERTZ, SECOND, 0);
    return floor_divide(chain, ticks, 0);
}

static uint64_t time_of_period(int64_t period) {
    uint32_t rest;
    int64_t seconds = floor_divide(period * period_ticks(), CHAIN_HERTZ, &rest);
    return (uint64_t)(chain_start + seconds * SECOND) + divide((uint64_t)rest * SECOND + CHAIN_HERTZ - 1, CHAIN_HERTZ, 0);
}

static void update_line(void) {
    int active = rtc_ram[REGISTER_B] & rtc_ram[REGISTER_C] & (B_PERIODIC | B_ALARM | B_UPDATE);
    rtc_ram[REGISTER_C] = (uint8_t)((rtc_ram[REGISTER_C] & 0x7F) | (active ? 0x80 : 0));
    pic_line(8, active != 0);
}

static void catch_up(void) {
    if (!running()) return;
    int64_t now_periods = periods_at(devices_now), passed;
    if (now_periods > periods) rtc_ram[REGISTER_C] |= B_PERIODIC;
    periods = now_periods;
    passed = floor_divide((int64_t)devices_now - chain_start, SECOND, 0);
    int64_t seconds = passed - updates;
    updates = passed;
    if (seconds > 0 && updating()) {
        rtc_ram[REGISTER_C] |= B_UPDATE;
        if (matches_alarm(seconds)) rtc_ram[REGISTER_C] |= B_ALARM;
        write_time(read_time() + seconds);
    }
    update_line();
}

void rtc_follow(void) {
    catch_up();
    update_line();
    int waiting = rtc_ram[REGISTER_B] & ~rtc_ram[REGISTER_C];
    event = NEVER;
    devices_quiet = 0;
    if (running() && waiting & B_PERIODIC && period_ticks()) event = time_of_period(periods + 1);
    if (updating() && waiting & (B_ALARM | B_UPDATE)) {
        uint64_t next = (uint64_t)(chain_start + (updates + 1) * SECOND);
        if (next < event) event = next;
    }
}

uint64_t rtc_event(void) { return event; }

void rtc_start(uint32_t epoch) {
    rtc_ram[REGISTER_A] = 0x26;
    rtc_ram[REGISTER_B] = 0x02;
    rtc_ram[REGISTER_C] = 0;
    rtc_ram[REGISTER_D] = 0x80;
    rtc_index = 0;
    chain_start = updates = periods = 0;
    event = NEVER;
    write_time(epoch);
}

uint32_t rtc_read(uint16_t port) {
    uint32_t index = rtc_index & 0x7F, rest;
    if (!(port & 1)) return 0xFF;
    catch_up();
    uint8_t value = rtc_ram[index];
    if (index == REGISTER_A) {
        floor_divide((int64_t)devices_now - chain_start, SECOND, &rest);
        return value | (updating() && rest >= SECOND - UIP ? 0x80 : 0);
    }
    if (index == REGISTER_C) {
        rtc_ram[REGISTER_C] = 0;
        rtc_follow();
    }
    return value;
}

static void write_register_a(uint8_t value) {
    int was_running = running();
    rtc_ram[REGISTER_A] = value;
    if (running() && !was_running) {
        chain_start = (int64_t)devices_now - SECOND / 2;
        updates = 0;
    }
    periods = periods_at(devices_now);
}

void rtc_write(uint16_t port, uint8_t value) {
    uint32_t index = rtc_index & 0x7F;
    if (!(port & 1)) {
        rtc_index = value;
        return;
    }
    catch_up();
    if (index == REGISTER_A) write_register_a(value & 0x7F);
    else if (index == REGISTER_B) rtc_ram[REGISTER_B] = value & B_SET ? value & ~B_UPDATE : value;
    else if (index != REGISTER_C && index != REGISTER_D) rtc_ram[index] = value;
    rtc_follow();
}
