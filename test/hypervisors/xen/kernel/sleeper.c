// Stops its tick and waits for an event that never comes.
#include "kernel.h"

void test_main(void)
{
    shared[1] = 0;
    hypercall(24, 7, 0, 0, 0, 0);
    fact("sleeps", hypercall(29, 1, 0, 0, 0, 0));
}
