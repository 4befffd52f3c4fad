/* The console on COM1 (16550 at 0x3F8, IRQ 4): polled output, input by interrupt; and the two ways to end the machine.
 *
 * National Semiconductor PC16550D, section 8 (registers). Power-off is a write of SLP_EN | SLP_TYP to the ACPI PM1
 * control port of a PIIX4 as QEMU places it (0x604); failures leave by the debug-exit port 0xF4.
 */
#include "kernel.h"
#include "machine.h"

#define COM1 0x3F8
#define INPUT_BYTES 256

static char input[INPUT_BYTES];
static volatile uint32_t input_head, input_tail;

void console_start(void) {
    out8(COM1 + 1, 0);
    out8(COM1 + 3, 0x80);
    out8(COM1 + 0, 1);
    out8(COM1 + 1, 0);
    out8(COM1 + 3, 0x03);
    out8(COM1 + 2, 0x07);
    out8(COM1 + 4, 0x0B);
    out8(COM1 + 1, 0x01);
}

static void put(char c) {
    while (!(in8(COM1 + 5) & 0x20)) {
    }
    out8(COM1, (uint8_t)c);
}

void console_write(const char *text, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) put(text[i]);
}

void console_print(const char *text) {
    while (*text) put(*text++);
}

void console_print_number(uint32_t value, uint32_t base) {
    char digits[12];
    int n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (n) put(digits[--n]);
}

void console_interrupt(void) {
    while (in8(COM1 + 5) & 0x01) {
        char c = (char)in8(COM1);
        if (input_head - input_tail < INPUT_BYTES) input[input_head++ % INPUT_BYTES] = c;
    }
    wake(input);
}

/* Waits for at least one byte. */
int console_read(char *to, uint32_t count) {
    uint32_t flags = save_and_disable_interrupts();
    uint32_t done = 0;
    while (input_head == input_tail) wait_on(input);
    while (done < count && input_head != input_tail) to[done++] = input[input_tail++ % INPUT_BYTES];
    write_flags(flags);
    return (int)done;
}

void power_off(int status) {
    disable_interrupts();
    if (status == 0) out16(0x604, 0x2000);
    out8(0xF4, (uint8_t)status);
    out16(0x604, 0x2000);
    for (;;) asm volatile("hlt");
}

void panic(const char *reason, const struct frame *frame) {
    disable_interrupts();
    console_print("mini: panic: ");
    console_print(reason);
    if (frame) {
        console_print(", vector ");
        console_print_number(frame->vector, 10);
        console_print(" error ");
        console_print_number(frame->error, 16);
        console_print(" at ");
        console_print_number(frame->cs, 16);
        console_print(":");
        console_print_number(frame->eip, 16);
        console_print(" cr2 ");
        console_print_number(read_cr2(), 16);
    }
    console_print("\n");
    power_off(1);
}
