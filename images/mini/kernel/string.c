/* The two memory functions that the compiler may call by itself. */
#include "kernel.h"

void *memcpy(void *to, const void *from, uint32_t count) {
    void *result = to;
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory");
    return result;
}

void *memset(void *to, int value, uint32_t count) {
    void *result = to;
    asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(value) : "memory");
    return result;
}
