/* The guest as a package: what a boot loader would have put into its memory, for back ends whose loader cannot do that. What
 * all other memory holds nobody knows. Made by src/rewriter/package.ts.
 */
#ifndef PACKAGE_H
#define PACKAGE_H

#include <stdint.h>

#define PACKAGE_MAGIC 0x31475650 /* "PVG1" */

struct package {
    uint32_t magic, memory_bytes, cpu_model;
    uint32_t entry_eip, entry_esi, entry_esp;
    uint32_t part_count;
    struct package_part {
        /* Guest-physical address; bytes; where they are, from the start of the package: 0 for zeroes. */
        uint32_t physical, bytes, offset;
    } parts[];
};

#endif
