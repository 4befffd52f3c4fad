/* The network by Xen's two rings, as a front end (xen/include/public/io/netif.h): one page of packets to send and one of
 * buffers to receive, each granted for good as are the buffers' pages. What is sent is told only where the driver at the
 * other end asks for it, or has fallen behind; what comes is looked at where it lies.
 */
#include "xen.h"

#define SLOTS 256
#define BUFFERS 64
#define RECEIVE_BUFFERS 128
#define POSTED_AT_ONCE 32
#define BUFFER_BYTES 2048
#define SEND_PAGES (BUFFERS * BUFFER_BYTES / 4096)
#define OKAY 0

struct send_request {
    uint32_t reference;
    uint16_t offset, flags, id, size;
};
struct receive_request {
    uint16_t id, pad;
    uint32_t reference;
};
struct receive_response {
    uint16_t id, offset, flags;
    int16_t status;
};
struct indices {
    uint32_t request_producer, request_event, response_producer, response_event;
    uint8_t pad[48];
};
static struct {
    struct indices indices;
    union {
        struct send_request request;
        uint16_t response_id;
    } slots[SLOTS];
} send_page __attribute__((aligned(4096)));
static struct {
    struct indices indices;
    union {
        struct receive_request request;
        struct receive_response response;
    } slots[SLOTS];
} receive_page __attribute__((aligned(4096)));

static uint8_t send_buffers[BUFFERS][BUFFER_BYTES] __attribute__((aligned(4096)));
static uint8_t receive_buffers[RECEIVE_BUFFERS][4096] __attribute__((aligned(4096)));
static uint32_t send_references[SEND_PAGES], receive_references[RECEIVE_BUFFERS];
/* Free buffers for sending. */
static uint8_t spare[BUFFERS];
static uint32_t spares;
static uint32_t port, sent, answered, posted, taken;
static uint8_t station[6], connected;

#define sending (*(volatile struct indices *)&send_page.indices)
#define receiving (*(volatile struct indices *)&receive_page.indices)

const uint8_t *backend_net_station(void) { return connected ? station : 0; }

/* Makes requests up to `to` visible, and tells the other end if it wants to know. */
static void publish(volatile struct indices *ring, uint32_t to) {
    uint32_t from = ring->request_producer;
    asm volatile("" ::: "memory");
    ring->request_producer = to;
    asm volatile("lock; addl $0, (%%esp)" ::: "memory", "cc");
    if (to - ring->request_event < to - from) xen_notify(port);
}

/* Buffers whose packets have gone, in any order, are free again. */
static void reclaim(void) {
    for (; answered != sending.response_producer; answered++) {
        uint32_t buffer = send_page.slots[answered % SLOTS].response_id;
        if (buffer < BUFFERS && spares < BUFFERS) spare[spares++] = (uint8_t)buffer;
    }
}

void backend_net_send(const void *packet, uint32_t bytes) {
    if (bytes > BUFFER_BYTES) return;
    reclaim();
    if (!spares) {
        /* The driver there has fallen behind: it is called. If it does not come at once, the packet is lost. */
        xen_notify(port);
        reclaim();
        if (!spares) return;
    }
    uint32_t buffer = spare[--spares];
    uint8_t *to = send_buffers[buffer];
    const void *from = packet;
    uint32_t words = bytes / 4, rest = bytes & 3;
    asm volatile("rep movsl\n\tmovl %3, %%ecx\n\trep movsb" : "+S"(from), "+D"(to), "+c"(words) : "r"(rest) : "memory");
    send_page.slots[sent % SLOTS].request = (struct send_request){
        send_references[buffer / 2], (uint16_t)(buffer % 2 * BUFFER_BYTES), 0, (uint16_t)buffer, (uint16_t)bytes};
    publish(&sending, ++sent);
}

static void post(uint32_t buffer) {
    receive_page.slots[posted++ % SLOTS].request = (struct receive_request){(uint16_t)buffer, 0, receive_references[buffer]};
}

/* Buffers go back as they come: by their number, if the other end has kept to it. */
void backend_net_drop(void) {
    uint32_t buffer = receive_page.slots[taken++ % SLOTS].response.id;
    if (buffer < RECEIVE_BUFFERS) post(buffer);
    /* Whoever waits for buffers is told once for many. */
    if (posted - receiving.request_producer >= POSTED_AT_ONCE) publish(&receiving, posted);
}

const uint8_t *backend_net_next(uint32_t *bytes) {
    for (;;) {
        if (taken == receiving.response_producer) {
            /* The next packet is told; one that has come meanwhile is seen here. */
            receiving.response_event = taken + 1;
            asm volatile("lock; addl $0, (%%esp)" ::: "memory", "cc");
            if (taken == receiving.response_producer) return 0;
        }
        const struct receive_response *response = &receive_page.slots[taken % SLOTS].response;
        *bytes = (uint32_t)response->status;
        if (response->id < RECEIVE_BUFFERS && response->status > 0 && response->offset + *bytes <= 4096)
            return receive_buffers[response->id] + response->offset;
        backend_net_drop();
    }
}

static int digit(char text) {
    if (text >= '0' && text <= '9') return text - '0';
    text |= 0x20;
    return text >= 'a' && text <= 'f' ? text - 'a' + 10 : -1;
}

/* Six bytes in hexadecimal with colons between them. */
static int read_station(const char *front) {
    char text[18];
    if (!xenbus_read(front, "mac", text, sizeof text)) return 0;
    for (uint32_t i = 0; i < 6; i++) {
        int high = digit(text[3 * i]), low = digit(text[3 * i + 1]);
        if (high < 0 || low < 0) return 0;
        station[i] = (uint8_t)(high << 4 | low);
    }
    return 1;
}

static int grant_all(uint32_t *send, uint32_t *receive) {
    *send = xen_grant(&send_page);
    *receive = xen_grant(&receive_page);
    for (uint32_t i = 0; i < SEND_PAGES; i++)
        if (!(send_references[i] = xen_grant(send_buffers[2 * i]))) return 0;
    for (uint32_t i = 0; i < RECEIVE_BUFFERS; i++)
        if (!(receive_references[i] = xen_grant(receive_buffers[i]))) return 0;
    return *send && *receive;
}

void xen_net_start(void) {
    static char front[XENBUS_PATH], back[XENBUS_PATH];
    uint32_t send, receive;
    if (!xenbus_find("vif", front, back) || !read_station(front) || !xenbus_wait(back, XENBUS_INIT_WAIT)) return;
    /* Nothing is done about what was sent: no event tells of it. */
    sending.request_event = receiving.request_event = receiving.response_event = 1;
    sending.response_event = 0;
    port = xen_open_port();
    if (!port || !grant_all(&send, &receive)) return;
    xen_on_event(port, EVENT_NET);
    for (uint32_t i = 0; i < RECEIVE_BUFFERS; i++) post(i);
    while (spares < BUFFERS) spare[spares] = (uint8_t)spares, spares++;
    receiving.request_producer = posted;
    if (!xenbus_write_number(front, "tx-ring-ref", send) || !xenbus_write_number(front, "rx-ring-ref", receive) ||
        !xenbus_write_number(front, "event-channel", port) || !xenbus_write_number(front, "request-rx-copy", 1) ||
        !xenbus_write_number(front, "feature-rx-notify", 1) ||
        /* The card that the guest sees leaves no checksum to others: packets are to come with theirs. */
        !xenbus_write_number(front, "feature-no-csum-offload", 1) || !xenbus_write_number(front, "state", XENBUS_CONNECTED))
        return;
    connected = (uint8_t)xenbus_wait(back, XENBUS_CONNECTED);
}
