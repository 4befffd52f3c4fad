/* Executes one instruction that may fault and says which exception it raised. */
#ifndef PROBE_H
#define PROBE_H

#include "kernel.h"

/* Vector of the exception that `instruction` raised with these values in EAX, ECX and EDX, or -1.
 * The exception table resumes behind it. */
#define PROBE(instruction, eax, ecx, edx)                                                                   \
    ({                                                                                                      \
        uint32_t probe_eax = (uint32_t)(eax), probe_ecx = (uint32_t)(ecx), probe_edx = (uint32_t)(edx);     \
        last_fault = -1;                                                                                    \
        asm volatile("1: " instruction "\n"                                                                 \
                     "2:\n"                                                                                 \
                     ".pushsection __ex_table, \"a\"\n"                                                     \
                     ".long 1b - ., 2b - ., 0\n"                                                                       \
                     ".popsection"                                                                          \
                     : "+a"(probe_eax), "+c"(probe_ecx), "+d"(probe_edx)::"memory", "cc");                  \
        last_fault;                                                                                         \
    })

/* Whether an instruction ran where its feature is present, and raised #UD where it is not. */
static inline int expect(int fault, uint32_t present) {
    return present ? fault < 0 : fault == VECTOR_INVALID_OPCODE;
}

#endif
