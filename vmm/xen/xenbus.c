/* xenstore, as far as front ends of devices need it: read, write, directories, and the handshake by `state` nodes
 * (xen/include/public/io/xs_wire.h, xenbus.h). One request at a time; each waits for its answer, before the guest runs.
 */
#include "xen.h"

#define TYPE_DIRECTORY 1
#define TYPE_READ 2
#define TYPE_WRITE 11
#define TYPE_WATCH_EVENT 15
#define TYPE_ERROR 16
#define RING_BYTES 1024
#define SECOND 1000000000ull
#define PATIENCE (5 * SECOND)

static volatile struct xenstore_page *page;
static uint32_t port;

static uint32_t text_length(const char *text) {
    uint32_t n = 0;
    while (text[n]) n++;
    return n;
}

/* Waits for the other end; 0 when it has not been heard of for too long. */
static int wait_for_store(void) {
    uint64_t until = xen_system_time() + PATIENCE;
    if (xen_clear_port(port)) return 1;
    xen_wait_port(port, until);
    return xen_system_time() < until;
}

static int send(const void *from, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes;) {
        if (page->request_producer - page->request_consumer < RING_BYTES) {
            page->request[page->request_producer % RING_BYTES] = ((const char *)from)[i++];
            asm volatile("" ::: "memory");
            page->request_producer++;
        } else {
            xen_notify(port);
            if (!wait_for_store()) return 0;
        }
    }
    return 1;
}

/* Takes bytes of the answer; those beyond `room` are thrown away. */
static int receive(void *to, uint32_t bytes, uint32_t room) {
    for (uint32_t i = 0; i < bytes;) {
        if (page->response_producer != page->response_consumer) {
            char byte = page->response[page->response_consumer % RING_BYTES];
            if (i < room) ((char *)to)[i] = byte;
            i++;
            asm volatile("" ::: "memory");
            page->response_consumer++;
            /* The store waits for room only where its answer is longer than the ring. */
            if (page->response_producer - page->response_consumer == 0 && i < bytes) xen_notify(port);
        } else if (!wait_for_store()) {
            return 0;
        }
    }
    return 1;
}

/* One request of two strings (the second without its end); returns the length of the answer, or -1. */
static int32_t request(uint32_t type, const char *path, const char *value, char *answer, uint32_t room) {
    uint32_t path_bytes = text_length(path) + 1, value_bytes = value ? text_length(value) : 0;
    struct xenstore_message message = {type, 0, 0, path_bytes + value_bytes};
    if (!page || !send(&message, sizeof message) || !send(path, path_bytes) || !send(value, value_bytes)) return -1;
    xen_notify(port);
    do {
        if (!receive(&message, sizeof message, sizeof message)) return -1;
        if (!receive(answer, message.bytes, room)) return -1;
    } while (message.type == TYPE_WATCH_EVENT);
    return message.type == type ? (int32_t)message.bytes : -1;
}

/* `folder` and `name` with a slash between them. */
static const char *joined(const char *folder, const char *name) {
    static char path[XENBUS_PATH];
    uint32_t n = 0;
    while (*folder && n < XENBUS_PATH - 2) path[n++] = *folder++;
    path[n++] = '/';
    while (*name && n < XENBUS_PATH - 1) path[n++] = *name++;
    path[n] = 0;
    return path;
}

int xenbus_read(const char *folder, const char *name, char *value, uint32_t room) {
    int32_t length = request(TYPE_READ, joined(folder, name), 0, value, room - 1);
    value[length < 0 ? 0 : (uint32_t)length < room ? (uint32_t)length : room - 1] = 0;
    return length >= 0;
}

uint32_t xenbus_read_number(const char *folder, const char *name, uint32_t otherwise) {
    char text[16];
    uint32_t value = 0;
    if (!xenbus_read(folder, name, text, sizeof text) || !text[0]) return otherwise;
    for (const char *at = text; *at >= '0' && *at <= '9'; at++)
        value = value > UINT32_MAX / 10 - 1 ? UINT32_MAX : value * 10 + (uint32_t)(*at - '0');
    return value;
}

int xenbus_write(const char *folder, const char *name, const char *value) {
    char answer[4];
    return request(TYPE_WRITE, joined(folder, name), value, answer, sizeof answer) >= 0;
}

int xenbus_write_number(const char *folder, const char *name, uint32_t value) {
    char text[11], *at = text + sizeof text - 1;
    *at = 0;
    do *--at = (char)('0' + value % 10);
    while (value /= 10);
    return xenbus_write(folder, name, at);
}

int xenbus_find(const char *kind, char *front, char *back) {
    char names[64];
    int32_t length = request(TYPE_DIRECTORY, joined("device", kind), 0, names, sizeof names - 1);
    if (length <= 0) return 0;
    names[(uint32_t)length < sizeof names ? (uint32_t)length : sizeof names - 1] = 0;
    const char *from = joined("device", kind);
    uint32_t n = 0;
    while (*from) front[n++] = *from++;
    front[n++] = '/';
    for (from = names; *from && n < XENBUS_PATH - 1; from++) front[n++] = *from;
    front[n] = 0;
    return xenbus_read(front, "backend", back, XENBUS_PATH);
}

int xenbus_wait(const char *back, uint32_t state) {
    uint64_t until = xen_system_time() + PATIENCE;
    for (;;) {
        uint32_t now = xenbus_read_number(back, "state", XENBUS_CLOSED);
        if (now == state) return 1;
        if (now > state || xen_system_time() > until) return 0;
        /* Nobody is watched: it is looked at again after a while. */
        xen_wait_port(port, xen_system_time() + SECOND / 100);
        xen_clear_port(port);
    }
}

void xenbus_start(void) {
    if (!start_info->store_mfn || start_info->flags & XEN_CONTROL_DOMAIN) return;
    page = xen_domain_page(start_info->store_mfn);
    port = start_info->store_evtchn;
    if (page) xen_hold_port(port);
}
