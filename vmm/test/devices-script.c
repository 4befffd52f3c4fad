/* Runs a script against the chips in C, one command a line, and prints one line for each: what it gave, the level of INTR,
 * and what went to the console.
 *   t NANOSECONDS   time is this      r PORT SIZE     w PORT SIZE VALUE     a   acknowledge      i BYTE   input for COM1
 */
#include <stdio.h>
#include <stdlib.h>
#include "devices.h"

static int intr;
static char console[64];
static int console_count;

void devices_interrupt(int level) { intr = level; }
void devices_console(uint8_t byte) {
    if (console_count < 30) console_count += sprintf(console + console_count, "%02x", byte);
}
void devices_post(uint8_t byte) { (void)byte; }
void devices_exit(uint32_t value) { exit((int)value); }
void devices_reset(void) {}
void devices_power_off(void) {}

int main(void) {
    char line[128], command;
    devices_start(0, 1577836800, 64 << 20);
    while (fgets(line, sizeof line, stdin)) {
        unsigned long long time;
        unsigned port, size, value;
        command = line[0];
        value = 0;
        console_count = 0;
        console[0] = 0;
        if (command == 't' && sscanf(line + 1, "%llu", &time) == 1) devices_advance(time);
        else if (command == 'r' && sscanf(line + 1, "%x %u", &port, &size) == 2) value = devices_read((uint16_t)port, size);
        else if (command == 'w' && sscanf(line + 1, "%x %u %x", &port, &size, &value) == 3)
            devices_write((uint16_t)port, size, value), value = 0;
        else if (command == 'a') value = pic_acknowledge();
        else if (command == 'i' && sscanf(line + 1, "%x", &value) == 1) uart_input((uint8_t)value), value = 0;
        else return 2;
        printf("%x %d %s\n", value, intr, console);
    }
    return 0;
}
