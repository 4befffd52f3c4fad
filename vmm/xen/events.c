/* Event channels: which event of the front end each port stands for, and taking what is pending. The processor's real IF is
 * Xen's; events are masked only where a wait must not miss one.
 */
#include "xen.h"

#define PORTS 1024

/* By port: what it is told as. Ports that nobody has named are the console's. */
static uint8_t event_of[PORTS];

void xen_on_event(uint32_t port, uint32_t event) { event_of[port] = (uint8_t)event; }

void xen_take_events(void) {
    uint32_t events = 0;
    do {
        shared.vcpu_info[0].upcall_pending = 0;
        uint32_t words = 0;
        asm volatile("xchgl %0, %1" : "+r"(words), "+m"(shared.vcpu_info[0].pending_sel));
        for (uint32_t word = 0; words; word++, words >>= 1) {
            uint32_t ports = words & 1 ? shared.evtchn_pending[word] & ~shared.evtchn_mask[word] : 0;
            if (!ports) continue;
            asm volatile("andl %1, %0" : "+m"(shared.evtchn_pending[word]) : "r"(~ports) : "cc");
            for (uint32_t port = word * 32; ports; port++, ports >>= 1)
                if (ports & 1) events |= event_of[port] ? event_of[port] : EVENT_CONSOLE;
        }
        shared.vcpu_info[0].upcall_mask = 0;
        asm volatile("" ::: "memory");
    } while (shared.vcpu_info[0].upcall_pending);
    if (events) vmm_async(events);
}

void xen_notify(uint32_t port) { hypercall(HYPERCALL_EVENT_CHANNEL_OP, EVTCHNOP_SEND, (uint32_t)&port, 0, 0); }

uint32_t xen_open_port(void) {
    struct {
        uint16_t domain, remote;
        uint32_t port;
    } open = {DOMID_SELF, 0, 0};
    return hypercall(HYPERCALL_EVENT_CHANNEL_OP, EVTCHNOP_ALLOC_UNBOUND, (uint32_t)&open, 0, 0) ? 0 : open.port;
}

void xen_hold_port(uint32_t port) {
    asm volatile("orl %1, %0" : "+m"(shared.evtchn_mask[port >> 5]) : "r"(1u << (port & 31)) : "cc");
}

int xen_clear_port(uint32_t port) {
    uint32_t bit = 1u << (port & 31), was = shared.evtchn_pending[port >> 5] & bit;
    asm volatile("andl %1, %0" : "+m"(shared.evtchn_pending[port >> 5]) : "r"(~bit) : "cc");
    return was != 0;
}

void xen_free_port(uint32_t port) {
    uint32_t bit = 1u << (port & 31);
    asm volatile("andl %1, %0" : "+m"(shared.evtchn_mask[port >> 5]) : "r"(~bit) : "cc");
    /* What came while it was held is announced by Xen. */
    if (!(shared.evtchn_pending[port >> 5] & bit)) return;
    asm volatile("orl %1, %0" : "+m"(shared.evtchn_mask[port >> 5]) : "r"(bit) : "cc");
    hypercall(HYPERCALL_EVENT_CHANNEL_OP, EVTCHNOP_UNMASK, (uint32_t)&port, 0, 0);
}

void xen_wait_port(uint32_t port, uint64_t until) {
    struct {
        uint32_t ports, count;
        uint64_t timeout;
    } poll = {(uint32_t)&port, 1, until};
    hypercall(HYPERCALL_SCHED_OP, SCHEDOP_POLL, (uint32_t)&poll, 0, 0);
}
