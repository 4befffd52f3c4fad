/* Start of the mini kernel in C: what the loader said, then each part in turn, then the first process. */
#include "kernel.h"
#include "machine.h"

#define MULTIBOOT_MAGIC 0x2BADB002
#define LINUX_HEADER_MAGIC 0x53726448

extern uint32_t boot_magic, boot_multiboot, boot_zero_page;

char command_line[COMMAND_LINE_BYTES];

static uint32_t word_at(uint32_t physical) { return *(const uint32_t *)linear_address(physical); }

static void copy_command_line(uint32_t physical) {
    const char *text = linear_address(physical);
    uint32_t i = 0;
    for (; text[i] && i < COMMAND_LINE_BYTES - 1; i++) command_line[i] = text[i];
    command_line[i] = 0;
}

/* End of the range of memory map type 1 that holds 1 MiB; both maps have base, length and type in this order. */
static uint32_t usable_end(uint32_t entry) {
    uint32_t start = word_at(entry), size = word_at(entry + 8);
    if (word_at(entry + 4) || word_at(entry + 16) != 1 || start > 0x100000) return 0;
    if (word_at(entry + 12) || start + size < start) return 0xFFFFFFFF;
    return start + size;
}

static uint32_t memory_of_zero_page(uint32_t page) {
    uint32_t count = *(const uint8_t *)linear_address(page + 0x1E8), end = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t found = usable_end(page + 0x2D0 + i * 20);
        if (found > end) end = found;
    }
    return end;
}

static uint32_t memory_of_multiboot(uint32_t information) {
    uint32_t flags = word_at(information), end = 0;
    if (flags & 1) return 0x100000 + word_at(information + 8) * 1024;
    if (!(flags & 0x40)) return 0;
    uint32_t entry = word_at(information + 48), last = entry + word_at(information + 44);
    for (; entry < last; entry += word_at(entry) + 4) {
        uint32_t found = usable_end(entry + 4);
        if (found > end) end = found;
    }
    return end;
}

/* Returns the size of memory in bytes. */
static uint32_t read_boot_information(void) {
    if (boot_magic == MULTIBOOT_MAGIC) {
        if (word_at(boot_multiboot) & 4) copy_command_line(word_at(boot_multiboot + 16));
        return memory_of_multiboot(boot_multiboot);
    }
    if (word_at(boot_zero_page + 0x202) == LINUX_HEADER_MAGIC) {
        uint32_t pointer = word_at(boot_zero_page + 0x228);
        if (pointer) copy_command_line(pointer);
        return memory_of_zero_page(boot_zero_page);
    }
    panic("started neither by multiboot nor by the Linux boot protocol", 0);
}

__attribute__((noreturn)) void kernel_main(void) {
    console_start();
    memory_start(read_boot_information());
    paging_start();
    fpu_start();
    descriptors_start();
    interrupts_start();
    console_print("mini: started\n");
    processes_start();
    panic("the idle loop ended", 0);
}
