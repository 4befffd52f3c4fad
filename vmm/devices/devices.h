/* The chips that never leave the guest, and the clock that they run on. Each does what its TypeScript twin in src/devices
 * does (one script suite and a differential fuzz hold them together); the data sheets are named there.
 *
 * Time stands still while a chip works: devices_now. devices_advance goes through every event up to a time, in order.
 */
#ifndef DEVICES_H
#define DEVICES_H

#include <stdint.h>

#define NEVER UINT64_MAX

/* Nanoseconds of virtual time. */
extern uint64_t devices_now;
/* No chip does anything of itself before; set to 0 by one whose next event has changed. */
extern uint64_t devices_quiet;

/* All chips at power-on; `epoch` is the RTC's time in seconds since 1970. */
void devices_start(uint64_t now, uint32_t epoch, uint64_t memory_bytes);
/* Lets time pass. */
int devices_advance(uint64_t now);
/* When the next interrupt may come of itself; NEVER. */
uint64_t devices_deadline(void);
/* Port accesses of 1, 2 or 4 bytes at devices_now; unclaimed ports read all ones and are counted. */
uint32_t devices_read(uint16_t port, uint32_t size);
void devices_write(uint16_t port, uint32_t size, uint32_t value);
/* Repeated string I/O in bulk: returns how many units (at most `count`) of the port's data lie one behind the other at `*at`,
 * to be read or filled; 0 where there are none, and each is an access of its own. Then devices_moved says how many bytes
 * of them have been. */
uint32_t devices_bulk(uint16_t port, int in, uint32_t size, uint32_t count, uint8_t **at);
void devices_moved(uint16_t port, uint32_t bytes);
extern uint32_t devices_unclaimed;

/* What the chips need of their surroundings; defined by whoever uses them. */
void devices_interrupt(int level);
void devices_console(uint8_t byte);
void devices_post(uint8_t byte);
void devices_exit(uint32_t value);
void devices_reset(void);
void devices_power_off(void);

/* 8259 pair: inputs 0 to 15. */
void pic_reset(void);
void pic_line(uint32_t input, int level);
uint32_t pic_acknowledge(void);
uint32_t pic_read(uint16_t port);
void pic_write(uint16_t port, uint8_t value);

/* 8254 and port 0x61. */
void pit_reset(void);
uint64_t pit_event(void);
uint64_t pit_rise(void);
void pit_follow(void);
uint32_t pit_read(uint16_t port);
void pit_write(uint16_t port, uint8_t value);
uint32_t port61_read(void);
void port61_write(uint8_t value);

/* MC146818 with 128 bytes of RAM. */
extern uint8_t rtc_ram[128];
void rtc_start(uint32_t epoch);
uint64_t rtc_event(void);
void rtc_follow(void);
uint32_t rtc_read(uint16_t port);
void rtc_write(uint16_t port, uint8_t value);

/* 16550: 0 is COM1, the console; 1 is COM2, with nothing at its other end. */
void uart_reset(uint32_t number);
uint64_t uart_event(uint32_t number);
void uart_timeout(uint32_t number);
/* A byte from the other end; taken as soon as there is room. */
void uart_input(uint8_t byte);
uint32_t uart_read(uint32_t number, uint32_t offset);
void uart_write(uint32_t number, uint32_t offset, uint8_t value);

/* ATA disk, where the back end has one. */
void ide_reset(void);
int ide_present(void);
/* The back end's operation may have come to its end. */
void ide_answered(void);
uint32_t ide_read(uint16_t port);
void ide_write(uint16_t port, uint8_t value);
/* The data port, 1, 2 or 4 bytes. */
uint32_t ide_read_data(uint32_t size);
void ide_write_data(uint32_t size, uint32_t value);
uint32_t ide_bulk(int in, uint32_t size, uint32_t count, uint8_t **at);
void ide_moved(uint32_t bytes);

/* NE2000 with a DP8390; there where the back end has a network. Ports are offsets from 0x300, accesses of 1 or 2 bytes. */
void ne2000_reset(void);
int ne2000_present(void);
uint32_t ne2000_read(uint32_t offset, uint32_t size);
void ne2000_write(uint32_t offset, uint32_t size, uint32_t value);
uint32_t ne2000_bulk(uint32_t offset, int in, uint32_t size, uint32_t count, uint8_t **at);
void ne2000_moved(uint32_t bytes);
/* Packets have come. */
void ne2000_receive(void);

/* Quotient of 64 bits by 32, without the compiler's library. */
static inline uint64_t divide(uint64_t value, uint32_t by, uint32_t *rest) {
    uint32_t high = (uint32_t)(value >> 32), low = (uint32_t)value, quotient_high = high / by, quotient_low, remainder;
    asm("divl %4" : "=a"(quotient_low), "=d"(remainder) : "a"(low), "d"(high % by), "r"(by) : "cc");
    if (rest) *rest = remainder;
    return (uint64_t)quotient_high << 32 | quotient_low;
}

#endif
