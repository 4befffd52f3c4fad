// A kernel that crashes its domain: a trap that it has no entry for.
#include "kernel.h"

void test_main(void)
{
    ring_print("ring\n");
    print("console_io\n");
    hypercall(0, 0, 0, 0, 0, 0);
    __asm__ volatile("ud2");
}
