/* Strings, numbers and checksums of the mini user program. */
#include "user.h"

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

uint32_t string_length(const char *text) {
    uint32_t n = 0;
    while (text[n]) n++;
    return n;
}

int string_equal(const char *a, const char *b) {
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

int starts_with(const char *text, const char *prefix) {
    while (*prefix)
        if (*text++ != *prefix++) return 0;
    return 1;
}

uint32_t parse_number(const char *text) {
    uint32_t value = 0;
    while (*text >= '0' && *text <= '9') value = value * 10 + (uint32_t)(*text++ - '0');
    return value;
}

void print(const char *text) { call(CALL_WRITE, 1, (uint32_t)text, string_length(text)); }

void print_number(uint32_t value) {
    char digits[12];
    uint32_t n = sizeof digits - 1;
    digits[n] = 0;
    do {
        digits[--n] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    print(digits + n);
}

void print_checksum(uint32_t value) {
    char digits[9];
    for (int i = 0; i < 8; i++) digits[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
    digits[8] = 0;
    print(digits);
}

uint32_t mix(uint32_t checksum, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        checksum = (checksum ^ (value & 0xFF)) * 0x01000193u;
        value >>= 8;
    }
    return checksum;
}
