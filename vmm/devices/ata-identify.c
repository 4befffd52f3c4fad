/* The 512 bytes that the ATA disk answers to IDENTIFY DEVICE (ATA/ATAPI-4, 8.12): twin of src/devices/ata-identify.ts. */
#include "backend.h"
#include "ata-identify.h"

static void word(uint32_t n, uint32_t value) {
    block_buffer[2 * n] = (uint8_t)value;
    block_buffer[2 * n + 1] = (uint8_t)(value >> 8);
}

static void double_word(uint32_t n, uint32_t value) {
    word(n, value);
    word(n + 1, value >> 16);
}

static void text(uint32_t n, uint32_t words, const char *from) {
    for (uint32_t i = 0; i < 2 * words; i++) block_buffer[2 * n + (i ^ 1)] = *from ? (uint8_t)*from++ : ' ';
}

void ata_identify(uint32_t total, uint32_t addressable, const struct ata_geometry *standard,
                  const struct ata_geometry *current, uint32_t multiple) {
    uint32_t reached = current->cylinders * current->heads * current->sectors;
    for (uint32_t i = 0; i < 512; i++) block_buffer[i] = 0;
    word(0, 0x0040);
    word(1, standard->cylinders);
    word(3, standard->heads);
    word(6, standard->sectors);
    text(10, 10, "PV00000001");
    text(23, 4, "1.0");
    text(27, 20, "PREVIRT PIO DISK");
    word(47, 0x8000 | ATA_MULTIPLE);
    word(48, 1);
    word(49, 0x0A00);
    word(50, 0x4000);
    word(51, 0x0200);
    word(53, 0x0003);
    word(54, current->cylinders);
    word(55, current->heads);
    word(56, current->sectors);
    double_word(57, reached < total ? reached : total);
    word(59, multiple ? 0x0100 | multiple : 0);
    double_word(60, addressable);
    word(64, 0x0003);
    word(67, 120);
    word(68, 120);
    word(80, 0x007E);
    word(82, 0x0068);
    word(83, 0x5000);
    word(84, 0x4000);
    word(85, 0x0068);
    word(86, 0x1000);
    word(87, 0x4000);
}
