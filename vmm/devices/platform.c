/* The chips on their ports, and the clock that all of them run on. i8042 exists as far as a reset goes (command 0xFE) and its status reads as idle. */
#include "devices.h"

uint64_t devices_now;
uint32_t devices_unclaimed;
uint64_t devices_quiet;

void devices_start(uint64_t now, uint32_t epoch, uint64_t memory_bytes) {
    devices_now = now;
    pic_reset();
    pit_reset();
    rtc_start(epoch);
    uart_reset(0);
    uart_reset(1);
    ide_reset();
    ne2000_reset();
    /* Memory sizes as a BIOS leaves them (src/devices/cmos-ram.ts). */
    uint32_t kib = (uint32_t)(memory_bytes >> 10), extended = kib > 1024 ? kib - 1024 : 0;
    uint32_t above16 = kib > 16384 ? (kib - 16384) / 64 : 0;
    if (extended > 0xFFFF) extended = 0xFFFF;
    if (above16 > 0xFFFF) above16 = 0xFFFF;
    rtc_ram[0x15] = 640 & 0xFF, rtc_ram[0x16] = 640 >> 8;
    rtc_ram[0x17] = rtc_ram[0x30] = (uint8_t)extended, rtc_ram[0x18] = rtc_ram[0x31] = (uint8_t)(extended >> 8);
    rtc_ram[0x34] = (uint8_t)above16, rtc_ram[0x35] = (uint8_t)(above16 >> 8);
    rtc_ram[0x14] = 2;
    rtc_ram[0x3D] = 1;
}

static uint64_t first(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t next_event(void) {
    return first(first(pit_event(), rtc_event()), first(uart_event(0), uart_event(1)));
}

int devices_advance(uint64_t now) {
    int happened = 0;
    while (now >= devices_quiet) {
        uint64_t event = devices_quiet = next_event();
        if (event > now) break;
        happened = 1;
        if (event > devices_now) devices_now = event;
        if (pit_event() == event) pit_follow();
        else if (rtc_event() == event) rtc_follow();
        else uart_timeout(uart_event(0) == event ? 0 : 1);
    }
    if (now > devices_now) devices_now = now;
    return happened;
}

uint64_t devices_deadline(void) {
    return first(first(pit_rise(), rtc_event()), first(uart_event(0), uart_event(1)));
}

/* The command block of the disk, whose first port is 16 or 32 bits wide, and its control block. */
static int is_disk(uint16_t port) { return ((port & ~7) == 0x1F0 || port == 0x3F6) && ide_present(); }
#define IDE_DATA 0x1F0
/* The network card. */
static int is_card(uint16_t port) { return (port & ~31) == 0x300 && ne2000_present(); }
/* It takes 16 bits at once; an access that goes beyond it is taken apart. */
static int is_all_card(uint16_t port, uint32_t size) { return is_card(port) && (port & 31) + size <= 32; }

static uint32_t read_byte(uint16_t port) {
    switch (port) {
    case 0x20: case 0x21: case 0xA0: case 0xA1: case 0x4D0: case 0x4D1: return pic_read(port);
    case 0x40: case 0x41: case 0x42: case 0x43: return pit_read(port);
    case 0x61: return port61_read();
    case 0x64: return 0;
    case 0x70: case 0x71: return rtc_read(port);
    case 0xE9: return 0xE9;
    default:
        if (port >= 0x3F8 && port < 0x400) return uart_read(0, port & 7);
        if (port >= 0x2F8 && port < 0x300) return uart_read(1, port & 7);
        if (is_disk(port)) return ide_read(port);
        if (is_card(port)) return ne2000_read(port & 31, 1);
        devices_unclaimed++;
        return 0xFF;
    }
}

static void write_byte(uint16_t port, uint8_t value) {
    switch (port) {
    case 0x20: case 0x21: case 0xA0: case 0xA1: case 0x4D0: case 0x4D1: pic_write(port, value); break;
    case 0x40: case 0x41: case 0x42: case 0x43: pit_write(port, value); break;
    case 0x61: port61_write(value); break;
    case 0x64: if (value == 0xFE) devices_reset(); break;
    case 0x70: case 0x71: rtc_write(port, value); break;
    case 0x80: case 0x190: devices_post(value); break;
    case 0x92: if (value & 1) devices_reset(); break;
    case 0xCF9: if (value & 4) devices_reset(); break;
    case 0xE9: devices_console(value); break;
    default:
        if (port >= 0x3F8 && port < 0x400) uart_write(0, port & 7, value);
        else if (port >= 0x2F8 && port < 0x300) uart_write(1, port & 7, value);
        else if (is_disk(port)) ide_write(port, value);
        else if (is_card(port)) ne2000_write(port & 31, 1, value);
        else devices_unclaimed++;
    }
}

uint32_t devices_read(uint16_t port, uint32_t size) {
    uint32_t value = 0;
    if ((port & ~3) == 0x40 && size == 1) return pit_read(port);
    if (is_all_card(port, size)) {
        for (uint32_t i = 0; i < size; i += 2) value |= ne2000_read((port + i) & 31, size == 1 ? 1 : 2) << 8 * i;
        return value;
    }
    if (port == IDE_DATA && ide_present()) return ide_read_data(size);
    for (uint32_t i = 0; i < size; i++) value |= read_byte((uint16_t)(port + i)) << 8 * i;
    return value;
}

void devices_write(uint16_t port, uint32_t size, uint32_t value) {
    if (is_all_card(port, size)) {
        for (uint32_t i = 0; i < size; i += 2) ne2000_write((port + i) & 31, size == 1 ? 1 : 2, value >> 8 * i & (size == 1 ? 0xFF : 0xFFFF));
        return;
    }
    if (port >= 0xF4 && port < 0xF8) {
        devices_exit(value);
        return;
    }
    /* The ACPI power control of the emulator's PC: soft off is SLP_EN. */
    if (port == 0x604 && size >= 2) {
        if (value & 0x2000) devices_power_off();
        return;
    }
    if (port == IDE_DATA && ide_present()) {
        ide_write_data(size, value);
        return;
    }
    for (uint32_t i = 0; i < size; i++) write_byte((uint16_t)(port + i), (uint8_t)(value >> 8 * i));
}

uint32_t devices_bulk(uint16_t port, int in, uint32_t size, uint32_t count, uint8_t **at) {
    if (port == IDE_DATA && ide_present()) return ide_bulk(in, size, count, at);
    return is_card(port) ? ne2000_bulk(port & 31, in, size, count, at) : 0;
}

void devices_moved(uint16_t port, uint32_t bytes) {
    if (port == IDE_DATA) ide_moved(bytes);
    else ne2000_moved(bytes);
}
