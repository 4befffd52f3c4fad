/* Runs a script against the chips in C, one command a line, and prints one line for each: what it gave, the level of INTR,
 * and what went to the console.
 *   t NANOSECONDS   time is this      r PORT SIZE     w PORT SIZE VALUE     a   acknowledge      i BYTE   input for COM1
 *   s PORT SIZE COUNT        string input: a checksum of its bytes
 *   o PORT SIZE COUNT SEED   string output of bytes that the seed gives
 *   n SEED LENGTH   a frame comes for the network card; what it sends shows with the console's output
 *   d   checksum of the disk      p   its operations are pending from now on      e   they end      x FAILS   for flushes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "backend.h"
#include "devices.h"

#define SECTORS 2500
#define SECTOR 512
#define FRAMES 4096

static int intr;
static char console[128];
static int console_count;

void devices_interrupt(int level) { intr = level; }
void devices_console(uint8_t byte) {
    if (console_count < 30) console_count += sprintf(console + console_count, "%02x", byte);
}
void devices_post(uint8_t byte) { (void)byte; }
void devices_exit(uint32_t value) { exit((int)value); }
void devices_reset(void) {}
void devices_power_off(void) {}

/* ---- The disk: the contents of each sector follow from its number, and some cannot be read or written. */

static uint8_t disk[SECTORS * SECTOR];
static int pending, flush_fails, last;

static int is_bad(uint32_t sector) { return sector == 77 || sector == 1500; }

uint32_t backend_block_sectors(void) { return SECTORS; }

static int perform(uint32_t operation, uint32_t sector, uint32_t at, uint32_t count) {
    if (operation == BLOCK_FLUSH) return flush_fails ? BLOCK_FAILED : BLOCK_DONE;
    for (uint32_t i = 0; i < count; i++)
        if (is_bad(sector + i)) return BLOCK_FAILED;
    uint8_t *mine = disk + sector * SECTOR, *theirs = block_buffer + at * SECTOR;
    if (operation == BLOCK_READ) memcpy(theirs, mine, count * SECTOR);
    else memcpy(mine, theirs, count * SECTOR);
    return BLOCK_DONE;
}

int backend_block(uint32_t operation, uint32_t sector, uint32_t at, uint32_t count) {
    last = perform(operation, sector, at, count);
    return pending ? BLOCK_PENDING : last;
}

int backend_block_result(void) { return last; }

static uint32_t fold(uint32_t sum, const uint8_t *bytes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) sum = (sum ^ bytes[i]) * 16777619u;
    return sum;
}
#define FOLD_START 2166136261u

/* ---- The network: frames whose contents follow from a seed; some are for the card's own station or for everybody. */

static struct {
    uint32_t length;
    uint8_t bytes[1600];
} frames[FRAMES];
static uint32_t first_frame, frame_count;

const uint8_t *backend_net_station(void) { return (const uint8_t *)"\x52\x54\x00\x12\x34\x56"; }
void backend_net_send(const void *packet, uint32_t bytes) {
    if (console_count < 30) console_count += sprintf(console + console_count, "s%u:%x", bytes, fold(FOLD_START, packet, bytes));
}
const uint8_t *backend_net_next(uint32_t *bytes) {
    *bytes = frames[first_frame % FRAMES].length;
    return first_frame == frame_count ? 0 : frames[first_frame % FRAMES].bytes;
}
void backend_net_drop(void) { first_frame++; }

static void frame_comes(uint32_t seed, uint32_t length) {
    uint8_t *bytes = frames[frame_count % FRAMES].bytes;
    frames[frame_count++ % FRAMES].length = length;
    for (uint32_t i = 0; i < length; i++) bytes[i] = (uint8_t)(seed + i * 5);
    if (seed & 1) memcpy(bytes, backend_net_station(), length < 6 ? length : 6);
    else if (seed & 2) memset(bytes, 0xFF, length < 6 ? length : 6);
    ne2000_receive();
}

static uint32_t string_in(uint16_t port, uint32_t size, uint32_t count) {
    uint32_t sum = FOLD_START;
    while (count) {
        uint8_t *at;
        uint32_t units = devices_bulk(port, 1, size, count, &at), value;
        if (units) {
            sum = fold(sum, at, units * size);
            devices_moved(port, units * size);
        } else {
            value = devices_read(port, size);
            sum = fold(sum, (const uint8_t *)&value, size);
            units = 1;
        }
        count -= units;
    }
    return sum;
}

static void string_out(uint16_t port, uint32_t size, uint32_t count, uint32_t seed) {
    for (uint32_t done = 0; done < count;) {
        uint8_t *at, unit[4] = {0};
        uint32_t units = devices_bulk(port, 0, size, count - done, &at), value = 0;
        uint32_t bytes = units ? units * size : size;
        for (uint32_t i = 0; i < bytes; i++) (units ? at : unit)[i] = (uint8_t)(seed + (done * size + i) * 7);
        memcpy(&value, unit, 4);
        if (units) devices_moved(port, bytes);
        else devices_write(port, size, value), units = 1;
        done += units;
    }
}

int main(void) {
    char line[128], command;
    for (uint32_t i = 0; i < sizeof disk; i++) disk[i] = (uint8_t)(i / SECTOR * 7 + i % SECTOR * 13 + i % SECTOR / 256);
    devices_start(0, 1577836800, 64 << 20);
    while (fgets(line, sizeof line, stdin)) {
        unsigned long long time;
        unsigned port, size, value, count;
        command = line[0];
        value = 0;
        console_count = 0;
        console[0] = 0;
        if (command == 't' && sscanf(line + 1, "%llu", &time) == 1) devices_advance(time);
        else if (command == 'r' && sscanf(line + 1, "%x %u", &port, &size) == 2) value = devices_read((uint16_t)port, size);
        else if (command == 'w' && sscanf(line + 1, "%x %u %x", &port, &size, &value) == 3)
            devices_write((uint16_t)port, size, value), value = 0;
        else if (command == 's' && sscanf(line + 1, "%x %u %u", &port, &size, &count) == 3)
            value = string_in((uint16_t)port, size, count);
        else if (command == 'o' && sscanf(line + 1, "%x %u %u %x", &port, &size, &count, &value) == 4)
            string_out((uint16_t)port, size, count, value), value = 0;
        else if (command == 'n' && sscanf(line + 1, "%u %u", &value, &count) == 2) frame_comes(value, count), value = 0;
        else if (command == 'a') value = pic_acknowledge();
        else if (command == 'd') value = fold(FOLD_START, disk, sizeof disk);
        else if (command == 'p') pending = 1;
        else if (command == 'e') ide_answered();
        else if (command == 'x' && sscanf(line + 1, "%d", &flush_fails) == 1) value = 0;
        else if (command == 'i' && sscanf(line + 1, "%x", &value) == 1) uart_input((uint8_t)value), value = 0;
        else return 2;
        printf("%x %d %s\n", value, intr, console);
    }
    return 0;
}
