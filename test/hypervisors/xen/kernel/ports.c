// Reads I/O ports with and without an I/O privilege, and lets channel 2 of the timer count.
#include "kernel.h"

#define PORTS 0x1000

static u32 port, value, out_value;
static void in(void) { __asm__ volatile("inb %%dx, %%al" : "=a"(value) : "d"(port), "0"(0)); }
static void out(void) { __asm__ volatile("outb %%al, %%dx" :: "a"(out_value), "d"(port)); }

static u32 read(u32 from)
{
    port = from;
    probe(in);
    return value & 0xff;
}
static void write(u32 to, u32 byte)
{
    port = to;
    out_value = byte;
    probe(out);
}

/* Two values of a channel of the timer, low byte first. */
static u32 count(u32 channel)
{
    u32 low = read(channel);
    return low | read(channel) << 8;
}

void test_main(void)
{
    u32 refused = 0;
    for (u32 at = 0; at < PORTS; at++) {
        u32 before = traps_seen;
        port = at;
        probe(in);
        refused += traps_seen == before + 1 && last.vector == 13 && last.error == 0;
    }
    fact("refused", (int)refused);

    call2(33, 6, 1, 0, 0, 0);
    u32 before = traps_seen;
    write(0x61, (read(0x61) & ~2u) | 1);
    write(0x43, 0xb0);
    write(0x42, 0xff);
    write(0x42, 0xff);
    u32 first = count(0x42);
    for (volatile u32 i = 0; i < 30000; i++)
        ;
    u32 second = count(0x42);
    fact("counts", second < first);
    /* Channel 0, as a tick of 18.2 Hz; an interrupt mask. */
    write(0x43, 0x36);
    write(0x40, 0);
    write(0x40, 0);
    write(0x21, 0xa5);
    fact_hex("channel_0", count(0x40));
    fact_hex("mask", read(0x21));
    fact("traps", (int)(traps_seen - before));
}
