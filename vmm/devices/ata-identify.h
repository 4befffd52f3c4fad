/* What the ATA disk says of itself, and the translation of its addresses. */
#ifndef ATA_IDENTIFY_H
#define ATA_IDENTIFY_H

#include <stdint.h>

/* Largest number of sectors that a READ or WRITE MULTIPLE moves at once. */
#define ATA_MULTIPLE 16

struct ata_geometry {
    uint32_t cylinders, heads, sectors;
};

/* Puts the answer to IDENTIFY DEVICE into the first sector of block_buffer. */
void ata_identify(uint32_t total, uint32_t addressable, const struct ata_geometry *standard,
                  const struct ata_geometry *current, uint32_t multiple);

#endif
