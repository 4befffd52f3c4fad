/* What the back end uses of Xen's public interface for 32-bit paravirtual guests (reference: xen/include/public). */
#ifndef XEN_ABI_H
#define XEN_ABI_H

#define XEN_CS 0xE019
#define XEN_DS 0xE021
#define DOMID_SELF 0x7FF0

#define HYPERCALL_SET_TRAP_TABLE 0
#define HYPERCALL_MMU_UPDATE 1
#define HYPERCALL_SET_GDT 2
#define HYPERCALL_STACK_SWITCH 3
#define HYPERCALL_SET_CALLBACKS 4
#define HYPERCALL_FPU_TASKSWITCH 5
#define HYPERCALL_UPDATE_DESCRIPTOR 10
#define HYPERCALL_MULTICALL 13
#define HYPERCALL_UPDATE_VA_MAPPING 14
#define HYPERCALL_SET_TIMER_OP 15
#define HYPERCALL_CONSOLE_IO 18
#define HYPERCALL_GRANT_TABLE_OP 20
#define HYPERCALL_VCPU_OP 24
#define HYPERCALL_MMUEXT_OP 26
#define HYPERCALL_SCHED_OP 29
#define HYPERCALL_EVENT_CHANNEL_OP 32

#define UVMF_INVLPG 2
#define MMUEXT_PIN_L3 2
#define MMUEXT_UNPIN 4
#define MMUEXT_NEW_BASEPTR 5
#define MMUEXT_TLB_FLUSH_LOCAL 6
#define MMUEXT_INVLPG_LOCAL 7
#define MMUEXT_CLEAR_PAGE 16
#define SCHEDOP_YIELD 0
#define SCHEDOP_BLOCK 1
#define SCHEDOP_SHUTDOWN 2
#define SCHEDOP_POLL 3
#define VCPUOP_STOP_PERIODIC 7
#define EVTCHNOP_BIND_VIRQ 1
#define EVTCHNOP_SEND 4
#define EVTCHNOP_ALLOC_UNBOUND 6
#define EVTCHNOP_UNMASK 9
#define GNTTABOP_SETUP_TABLE 2
#define GRANT_PERMIT_ACCESS 1
/* A flag of start_info. */
#define XEN_CONTROL_DOMAIN 2
#define VIRQ_TIMER 0
#define VIRQ_CONSOLE 2
#define CONSOLEIO_WRITE 0
#define CONSOLEIO_READ 1

#ifndef __ASSEMBLER__
#include <stdint.h>

struct start_info {
    char magic[32];
    uint32_t nr_pages, shared_info, flags, store_mfn, store_evtchn, console_mfn, console_evtchn;
    uint32_t pt_base, nr_pt_frames, mfn_list, mod_start, mod_len;
    char cmd_line[1024];
};

struct shared_info {
    struct {
        uint8_t upcall_pending, upcall_mask, pad0[2];
        uint32_t pending_sel, cr2, pad[5];
        uint32_t version, pad1;
        uint64_t tsc_timestamp, system_time;
        uint32_t tsc_to_system_mul;
        int8_t tsc_shift, flags, pad2[2];
    } vcpu_info[32];
    uint32_t evtchn_pending[32], evtchn_mask[32];
    uint32_t wc_version, wc_sec, wc_nsec;
};

struct trap_info {
    uint8_t vector, flags;
    uint16_t cs;
    uint32_t address;
};
struct mmu_update {
    uint64_t ptr, val;
};
struct mmuext_op {
    uint32_t cmd, mfn, argument;
};
struct multicall_entry {
    uint32_t op;
    int32_t result;
    uint32_t args[6];
};
struct console_ring {
    char in[1024], out[2048];
    uint32_t in_cons, in_prod, out_cons, out_prod;
};
struct xenstore_page {
    char request[1024], response[1024];
    uint32_t request_consumer, request_producer, response_consumer, response_producer;
};
struct xenstore_message {
    uint32_t type, request, transaction, bytes;
};
struct grant_entry {
    uint16_t flags, domain;
    uint32_t frame;
};

static inline int32_t hypercall(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    int32_t result;
    asm volatile("int $0x82" : "=a"(result), "+b"(a), "+c"(b), "+d"(c), "+S"(d) : "0"(number) : "edi", "memory");
    return result;
}
#endif

#endif
