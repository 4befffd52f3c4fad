/* The two 8259 interrupt controllers and channel 0 of the 8254 timer, as an AT wires them.
 *
 * Intel 8259A data sheet (ICW1 to ICW4, OCW1 to OCW3) and 8254 data sheet (mode 2, 1193182 Hz).
 */
#include "kernel.h"
#include "machine.h"

#define PIC1 0x20
#define PIC2 0xA0
#define PIT 0x40
#define PIT_HZ 1193182

volatile uint32_t ticks;

void interrupts_start(void) {
    uint32_t divisor = PIT_HZ / TICKS_PER_SECOND;
    out8(PIC1, 0x11);
    out8(PIC2, 0x11);
    out8(PIC1 + 1, VECTOR_IRQ_BASE);
    out8(PIC2 + 1, VECTOR_IRQ_BASE + 8);
    out8(PIC1 + 1, 4);
    out8(PIC2 + 1, 2);
    out8(PIC1 + 1, 1);
    out8(PIC2 + 1, 1);
    out8(PIC1 + 1, 0xFF & ~(1 << 0 | 1 << 4));
    out8(PIC2 + 1, 0xFF);
    out8(PIT + 3, 0x34);
    out8(PIT, divisor & 0xFF);
    out8(PIT, divisor >> 8 & 0xFF);
}

/* A request that is not in service is spurious and gets no end-of-interrupt. */
static int in_service(uint32_t line) {
    uint16_t port = line < 8 ? PIC1 : PIC2;
    out8(port, 0x0B);
    return in8(port) >> (line & 7) & 1;
}

void interrupt(uint32_t line) {
    if ((line == 7 || line == 15) && !in_service(line)) return;
    if (line >= 8) out8(PIC2, 0x20);
    out8(PIC1, 0x20);
    if (line == 0) {
        ticks++;
        process_tick();
    } else if (line == 4) {
        console_interrupt();
    }
}
