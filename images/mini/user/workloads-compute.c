/* Workloads that stay in user mode: sorting, hashing, searching, a plain loop. */
#include "user.h"

static uint32_t random_state;

static uint32_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static void sift_down(uint32_t *heap, uint32_t root, uint32_t count) {
    for (uint32_t child; (child = root * 2 + 1) < count; root = child) {
        if (child + 1 < count && heap[child + 1] > heap[child]) child++;
        if (heap[root] >= heap[child]) return;
        uint32_t swapped = heap[root];
        heap[root] = heap[child];
        heap[child] = swapped;
    }
}

static struct result run_sort(uint32_t scale) {
    static uint32_t values[4096];
    uint32_t checksum = MIX_START, failed = 0;
    random_state = 0x9E3779B9;
    for (uint32_t round = 0; round < scale; round++) {
        uint32_t n = sizeof values / sizeof values[0], sum = 0, sorted_sum = 0;
        for (uint32_t i = 0; i < n; i++) sum += values[i] = next_random();
        for (uint32_t i = n / 2; i-- > 0;) sift_down(values, i, n);
        for (uint32_t i = n - 1; i > 0; i--) {
            uint32_t largest = values[0];
            values[0] = values[i];
            values[i] = largest;
            sift_down(values, 0, i);
        }
        for (uint32_t i = 0; i < n; i++) {
            if (i && values[i - 1] > values[i]) failed = 1;
            sorted_sum += values[i];
        }
        if (sum != sorted_sum) failed = 1;
        checksum = mix(mix(checksum, values[0]), mix(values[n / 2], values[n - 1]));
    }
    return (struct result){checksum, (int)failed};
}

static uint32_t rotate_left(uint32_t value, uint32_t count) { return value << count | value >> (32 - count); }

/* One block of SHA-1 (FIPS 180-4, 6.1.2). */
static void sha1_block(uint32_t *state, const uint8_t *block) {
    uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[i * 4] << 24 | (uint32_t)block[i * 4 + 1] << 16 | (uint32_t)block[i * 4 + 2] << 8 |
               block[i * 4 + 3];
    for (int i = 16; i < 80; i++) w[i] = rotate_left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f, k;
        if (i < 20) {
            f = (b & c) | (~b & d);
            k = 0x5A827999;
        } else if (i < 40) {
            f = b ^ c ^ d;
            k = 0x6ED9EBA1;
        } else if (i < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8F1BBCDC;
        } else {
            f = b ^ c ^ d;
            k = 0xCA62C1D6;
        }
        uint32_t next = rotate_left(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rotate_left(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

/* The digest of "abc" is the standard's own example; then as many zero blocks as the scale asks for. */
static struct result run_sha(uint32_t scale) {
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t block[64] = {'a', 'b', 'c', 0x80};
    block[63] = 24;
    sha1_block(state, block);
    int failed = state[0] != 0xA9993E36 || state[4] != 0x9CD0D89D;
    memset(block, 0, sizeof block);
    for (uint32_t i = 0; i < 200 * scale; i++) sha1_block(state, block);
    return (struct result){state[0], failed};
}

static struct result run_grep(uint32_t scale) {
    static char text[16384];
    uint32_t found = 0, checksum = MIX_START;
    random_state = 1;
    for (uint32_t i = 0; i < sizeof text; i++) text[i] = "abcd"[next_random() >> 30];
    text[sizeof text - 1] = 0;
    for (uint32_t round = 0; round < scale; round++)
        for (uint32_t i = 0; i + 4 < sizeof text; i++) {
            if (!starts_with(text + i, "abac")) continue;
            found++;
            checksum = mix(checksum, i);
        }
    return (struct result){mix(checksum, found), found == 0};
}

static struct result run_loop(uint32_t scale) {
    uint32_t value = 1;
    for (uint32_t i = 0; i < 200000 * scale; i++) value = value * 1664525u + 1013904223u + (value >> 7);
    return (struct result){value, 0};
}

const struct workload compute_workloads[] = {
    {"sort", run_sort}, {"sha", run_sha}, {"grep", run_grep}, {"loop", run_loop}, {0, 0},
};
