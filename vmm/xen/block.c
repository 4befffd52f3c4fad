/* The disk by Xen's block ring, as a front end (xen/include/public/io/blkif.h): one granted page with requests and responses,
 * and block_buffer, granted for good. A transfer goes out as requests of 11 pages each and one notification; a control
 * domain that answers at once is heard at once, without an event.
 */
#include "xen.h"

#define SLOTS 32
#define SEGMENTS 11
#define PAGE_SECTORS 8
#define BUFFER_PAGES (BLOCK_SECTORS / PAGE_SECTORS)
#define OPERATION_READ 0
#define OPERATION_WRITE 1
#define OPERATION_BARRIER 2
#define OPERATION_FLUSH 3
#define NO_OPERATION 0xFF
#define MAXIMUM_SECTORS 0x0FFFFFFF

struct segment {
    uint32_t reference;
    uint8_t first, last, pad[2];
};
union slot {
    struct {
        uint8_t operation, segments;
        uint16_t handle;
        uint32_t id[2], sector[2];
        struct segment segment[SEGMENTS];
    } request;
    struct {
        uint32_t id[2];
        uint8_t operation, pad;
        int16_t status;
    } response;
};
struct block_ring {
    uint32_t request_producer, request_event, response_producer, response_event;
    uint8_t pad[48];
    union slot slots[SLOTS];
};

static struct block_ring page __attribute__((aligned(4096)));
static volatile struct block_ring *const ring = &page;
static uint32_t references[BUFFER_PAGES];
static uint32_t port, sectors, handle, flush_operation;
static uint32_t produced, consumed, outstanding, failures;

uint32_t backend_block_sectors(void) { return sectors; }

static volatile union slot *next_request(uint32_t operation) {
    volatile union slot *slot = &ring->slots[produced++ % SLOTS];
    outstanding++;
    slot->request.operation = (uint8_t)operation;
    slot->request.segments = 0;
    slot->request.handle = (uint16_t)handle;
    slot->request.id[0] = produced;
    slot->request.id[1] = slot->request.sector[0] = slot->request.sector[1] = 0;
    return slot;
}

static void take_responses(void) {
    while (consumed != ring->response_producer) {
        if (ring->slots[consumed++ % SLOTS].response.status) failures++;
        outstanding--;
    }
}

static int result(void) { return outstanding ? BLOCK_PENDING : failures ? BLOCK_FAILED : BLOCK_DONE; }

/* Hands over what has been put into the ring. */
static int submit(void) {
    uint32_t old = ring->request_producer;
    failures = 0;
    ring->response_event = produced;
    asm volatile("" ::: "memory");
    ring->request_producer = produced;
    asm volatile("lock; addl $0, (%%esp)" ::: "memory", "cc");
    xen_hold_port(port);
    if (produced - ring->request_event < produced - old) xen_notify(port);
    take_responses();
    if (!outstanding) xen_clear_port(port);
    xen_free_port(port);
    return result();
}

int backend_block(uint32_t operation, uint32_t sector, uint32_t at, uint32_t count) {
    if (operation == BLOCK_FLUSH) {
        if (flush_operation == NO_OPERATION) return BLOCK_DONE;
        next_request(flush_operation);
        return submit();
    }
    for (uint32_t done = 0; done < count;) {
        volatile union slot *slot = next_request(operation == BLOCK_WRITE ? OPERATION_WRITE : OPERATION_READ);
        uint32_t n = 0;
        slot->request.sector[0] = sector + done;
        for (; n < SEGMENTS && done < count; n++) {
            uint32_t place = at + done, first = place % PAGE_SECTORS, length = PAGE_SECTORS - first;
            if (length > count - done) length = count - done;
            slot->request.segment[n].reference = references[place / PAGE_SECTORS];
            slot->request.segment[n].first = (uint8_t)first;
            slot->request.segment[n].last = (uint8_t)(first + length - 1);
            done += length;
        }
        slot->request.segments = (uint8_t)n;
    }
    return submit();
}

int backend_block_result(void) {
    if (outstanding) take_responses();
    return result();
}

static int connect(const char *front, const char *back) {
    uint32_t reference;
    if (!xenbus_wait(back, XENBUS_INIT_WAIT)) return 0;
    if (xenbus_read_number(back, "sector-size", 512) != 512) return 0;
    ring->request_event = ring->response_event = 1;
    reference = xen_grant(&page);
    for (uint32_t i = 0; i < BUFFER_PAGES; i++)
        if (!(references[i] = xen_grant(block_buffer + i * 4096))) return 0;
    port = xen_open_port();
    if (!reference || !port) return 0;
    xen_on_event(port, EVENT_BLOCK);
    if (!xenbus_write_number(front, "ring-ref", reference) || !xenbus_write_number(front, "event-channel", port) ||
        !xenbus_write(front, "protocol", "x86_32-abi") || !xenbus_write_number(front, "state", XENBUS_INITIALISED) ||
        !xenbus_wait(back, XENBUS_CONNECTED))
        return 0;
    handle = xenbus_read_number(front, "virtual-device", 0);
    flush_operation = xenbus_read_number(back, "feature-flush-cache", 0) ? OPERATION_FLUSH
                      : xenbus_read_number(back, "feature-barrier", 0)   ? OPERATION_BARRIER
                                                                         : NO_OPERATION;
    return xenbus_write_number(front, "state", XENBUS_CONNECTED);
}

void xen_block_start(void) {
    static char front[XENBUS_PATH], back[XENBUS_PATH];
    if (!xenbus_find("vbd", front, back) || !connect(front, back)) return;
    sectors = xenbus_read_number(back, "sectors", 0);
    if (sectors > MAXIMUM_SECTORS) sectors = MAXIMUM_SECTORS;
}
