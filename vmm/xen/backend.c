/* The xen back end: start as a domain, traps, time, console, end. Memory is in memory.c, event channels in events.c, devices
 * in block.c and net.c.
 */
#include "xen.h"
#include "ring-hiding.h"


const struct start_info *start_info;
extern const uint8_t xen_stubs[], xen_stub_80[], xen_event[], xen_failsafe[];
extern uint8_t vmm_stack_top[];

static uint32_t gdt[GDT_ENTRIES][2] __attribute__((aligned(4096)));
static struct console_ring *ring;
static uint64_t time_origin;

/* ---- Events */

void backend_idle(void) {
    xen_console_flush();
    shared.vcpu_info[0].upcall_mask = 1;
    asm volatile("" ::: "memory");
    /* Blocking clears the mask, and does not wait when something is pending. */
    if (!vcpu.attention && !shared.vcpu_info[0].upcall_pending) hypercall(HYPERCALL_SCHED_OP, SCHEDOP_BLOCK, 0, 0, 0);
    xen_take_events();
}

#define EVENT_VECTOR 0x20
#define FAILSAFE_VECTOR 0x21

__attribute__((noreturn)) void backend_from_user(uint32_t vector, uint32_t error, uint32_t address) {
    if (vector == FAILSAFE_VECTOR) vmm_from_user(13, 0, 0);
    if (vector != EVENT_VECTOR) vmm_from_user(vector, error, address);
    xen_take_events();
    vmm_service();
}

/* Xen has had to load the segment registers again, and user selectors that were still in FS or GS have no descriptor any
 * longer: they are null now, and are to be loaded before user code runs, which work there ensures. The stack segment is Xen's
 * own again, so the user half is not hidden. */
static void selectors_lost(void) {
    backend_commit();
    vmm_load_user_segments();
}

/* Where segment limits are probed, and the exception that came of it. */
extern const char limit_probe[], limit_probe_end[];
static uint32_t probed;

__attribute__((noreturn)) void backend_from_kernel(uint32_t vector, uint32_t error, uint32_t address) {
    if (ring_was_hidden(vector, 0)) vmm_service();
    if (vector == FAILSAFE_VECTOR) {
        selectors_lost();
        vmm_service();
    }
    if (vector != EVENT_VECTOR) vmm_from_kernel(vector, error, address);
    xen_take_events();
    vmm_service();
}

uint32_t backend_from_window(uint32_t eip, uint32_t vector, uint32_t error, uint32_t address, uint32_t *stack) {
    if (ring_was_hidden(vector, stack)) return eip;
    if (vector == FAILSAFE_VECTOR) selectors_lost();
    else if (vector != EVENT_VECTOR && eip == (uint32_t)limit_probe) {
        probed = vector;
        return (uint32_t)limit_probe_end;
    } else if (vector != EVENT_VECTOR) return vmm_from_window(eip, vector, error, address);
    xen_take_events();
    return vmm_resume_point(eip, stack);
}

/* ---- Time */

/* `value` shifted, times `factor`, divided by 2 to the 32nd. */
static uint64_t scale(uint64_t value, int shift, uint32_t factor) {
    if (!(value >> 32) && shift >= 0) return (uint64_t)(uint32_t)value * factor >> (32 - shift);
    value = shift < 0 ? value >> -shift : value << shift;
    return ((value >> 32) * factor) + ((uint64_t)(uint32_t)value * factor >> 32);
}

static inline __attribute__((always_inline)) uint64_t system_time(void) {
    uint64_t tsc, time;
    uint32_t version;
    do {
        version = shared.vcpu_info[0].version;
        asm volatile("rdtsc" : "=A"(tsc)::"memory");
        time = shared.vcpu_info[0].system_time;
        time += scale(tsc - shared.vcpu_info[0].tsc_timestamp, shared.vcpu_info[0].tsc_shift,
                      shared.vcpu_info[0].tsc_to_system_mul);
        asm volatile("" ::: "memory");
    } while (version & 1 || version != shared.vcpu_info[0].version);
    return time;
}

uint64_t xen_system_time(void) { return system_time(); }

/* The counters of a host's processors may differ by a little, and Xen moves domains between them. */
uint64_t backend_time(void) {
    static uint64_t latest;
    uint64_t now = system_time() - time_origin;
    if (now > latest) latest = now;
    return latest;
}

/* The wall clock of shared_info is that of the host's start, when Xen's time was 0. */
uint32_t backend_wall_clock(void) {
    uint32_t version, seconds, since, rest;
    uint64_t nanoseconds;
    do {
        version = shared.wc_version;
        seconds = shared.wc_sec;
        nanoseconds = time_origin + shared.wc_nsec;
    } while (version & 1 || version != shared.wc_version);
    asm("divl %4" : "=a"(since), "=d"(rest) : "0"((uint32_t)nanoseconds), "1"((uint32_t)(nanoseconds >> 32)), "r"(1000000000u));
    return seconds + since;
}

void backend_timer(uint64_t nanoseconds) {
    uint64_t at = nanoseconds == TIMER_NEVER ? 0 : nanoseconds + time_origin;
    hypercall(HYPERCALL_SET_TIMER_OP, (uint32_t)at, (uint32_t)(at >> 32), 0, 0);
}

/* ---- Console */

static uint32_t unsent;

static void notify_console(void) {
    xen_notify(start_info->console_evtchn);
    unsent = 0;
}

void xen_console_flush(void) {
    if (unsent) notify_console();
}

void backend_console_write(const uint8_t *bytes, uint32_t count) {
    if (!ring) {
        hypercall(HYPERCALL_CONSOLE_IO, CONSOLEIO_WRITE, count, (uint32_t)bytes, 0);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        volatile struct console_ring *r = ring;
        while (r->out_prod - r->out_cons >= sizeof r->out) {
            notify_console();
            hypercall(HYPERCALL_SCHED_OP, SCHEDOP_YIELD, 0, 0, 0);
        }
        r->out[r->out_prod % sizeof r->out] = (char)bytes[i];
        asm volatile("" ::: "memory");
        r->out_prod++;
        if (++unsent >= 1024 || bytes[i] == '\n') notify_console();
    }
}

int backend_console_read(void) {
    volatile struct console_ring *r = ring;
    uint8_t byte;
    if (!r) return hypercall(HYPERCALL_CONSOLE_IO, CONSOLEIO_READ, 1, (uint32_t)&byte, 0) == 1 ? byte : -1;
    if (r->in_cons == r->in_prod) return -1;
    byte = (uint8_t)r->in[r->in_cons % sizeof r->in];
    r->in_cons++;
    return byte;
}

/* ---- The rest */

/* Whether the processor holds the limits of segments: emulators that translate code may not. The page is not mapped, so it is a
 * page fault where no limit is looked at. */
static int limits_hold(void) {
    asm volatile("movl %0, %%ds\nlimit_probe: movl 0, %%eax\nlimit_probe_end: movl %1, %%ds" ::"r"(RING_HIDING), "r"(RING_DATA)
                 : "eax", "memory");
    return probed == 13;
}

int backend_user_descriptor(uint32_t selector, uint32_t low, uint32_t high) {
    uint32_t index = selector >> 3;
    if (selector & 4 || index == 0 || index >= GDT_ENTRIES - 1) return 0;
    if (gdt[index][0] == low && gdt[index][1] == high) return 0;
    uint64_t machine = ((uint64_t)xen_mfn(gdt) << 12) + index * 8;
    return !hypercall(HYPERCALL_UPDATE_DESCRIPTOR, (uint32_t)machine, (uint32_t)(machine >> 32), low, high);
}

void backend_fpu_switched(int switched) { hypercall(HYPERCALL_FPU_TASKSWITCH, (uint32_t)switched, 0, 0, 0); }
void backend_fpu_read(void *image, int old) { (void)image, (void)old; }
void backend_fpu_write(const void *image, int old) { (void)image, (void)old; }
void backend_quiesce(void) { shared.vcpu_info[0].upcall_mask = 1; }
void backend_resume(void) { xen_take_events(); }

static void shutdown(uint32_t reason) {
    hypercall(HYPERCALL_SCHED_OP, SCHEDOP_SHUTDOWN, (uint32_t)&reason, 0, 0);
}

void backend_stop(uint32_t reason, const char *message) {
    uint32_t length = 0;
    xen_console_flush();
    while (message && message[length]) length++;
    if (length) hypercall(HYPERCALL_CONSOLE_IO, CONSOLEIO_WRITE, length, (uint32_t)message, 0);
    if (length) hypercall(HYPERCALL_CONSOLE_IO, CONSOLEIO_WRITE, 1, (uint32_t) "\n", 0);
    shutdown(reason == STOP_POWER_OFF || (reason == STOP_DEBUG_EXIT && !vcpu.exit_value) ? 0 : reason == STOP_RESET ? 1 : 3);
    for (;;) {}
}

/* Xen shows what an unprivileged domain writes with console_io only when built for debugging: the ring has it too. */
void xen_panic(const char *message) {
    for (const char *at = message; ring && *at; at++) backend_console_write((const uint8_t *)at, 1);
    if (ring) backend_console_write((const uint8_t *)"\r\n", 2);
    backend_stop(STOP_CRASH, message);
}

static void start_traps(void) {
    static struct trap_info table[22];
    for (uint32_t vector = 0; vector < 20; vector++) {
        uint8_t dpl = vector == 3 || vector == 4 ? 3 : 0;
        table[vector] = (struct trap_info){(uint8_t)vector, dpl, XEN_CS, (uint32_t)xen_stubs + 16 * vector};
    }
    table[20] = (struct trap_info){0x80, 3, XEN_CS, (uint32_t)xen_stub_80};
    hypercall(HYPERCALL_SET_TRAP_TABLE, (uint32_t)table, 0, 0, 0);
    hypercall(HYPERCALL_SET_CALLBACKS, XEN_CS, (uint32_t)xen_event, XEN_CS, (uint32_t)xen_failsafe);
    hypercall(HYPERCALL_STACK_SWITCH, XEN_DS, (uint32_t)vmm_stack_top, 0, 0);
}

static void start_events(void) {
    struct {
        uint32_t virq, vcpu_number, port;
    } bind = {VIRQ_TIMER, 0, 0}, typed = {VIRQ_CONSOLE, 0, 0};
    hypercall(HYPERCALL_VCPU_OP, VCPUOP_STOP_PERIODIC, 0, 0, 0);
    if (hypercall(HYPERCALL_EVENT_CHANNEL_OP, EVTCHNOP_BIND_VIRQ, (uint32_t)&bind, 0, 0)) xen_panic("no timer event");
    xen_on_event(bind.port, EVENT_TIMER);
    if (!ring) hypercall(HYPERCALL_EVENT_CHANNEL_OP, EVTCHNOP_BIND_VIRQ, (uint32_t)&typed, 0, 0);
    xen_take_events();
}

void *xen_domain_page(uint32_t mfn) {
    const uint32_t *mfns = (const uint32_t *)start_info->mfn_list;
    for (uint32_t pfn = 0; pfn < start_info->nr_pages; pfn++)
        if (mfns[pfn] == mfn) return (void *)(WINDOW_START + pfn * 4096);
    return 0;
}

__attribute__((noreturn)) void xen_start(const struct start_info *given) {
    /* In the image itself, or as the module. */
    const uint32_t *pointer = (const uint32_t *)PACKAGE_POINTER;
    const struct package *package = (const struct package *)(pointer[1] ? pointer[0] : given->mod_start);
    uint32_t package_bytes = pointer[1] ? pointer[1] : given->mod_len;
    start_info = given;
    if (given->console_mfn && !(given->flags & XEN_CONTROL_DOMAIN)) ring = xen_domain_page(given->console_mfn);
    if (package_bytes < sizeof *package || package->magic != PACKAGE_MAGIC) xen_panic("previrt: no guest in this image");
    uint32_t frames = xen_memory_start(package->memory_bytes >> 12);
    if (frames < package->memory_bytes >> 12) xen_panic("previrt: give the domain 32 MiB more than the guest's memory");
    xen_map_machine(SHARED_INFO, given->shared_info >> 12, 2);
    time_origin = xen_system_time();
    start_traps();
    gdt[GDT_ENTRIES - 1][0] = HIDING_LOW;
    gdt[GDT_ENTRIES - 1][1] = HIDING_HIGH | 1 << 13;
    uint32_t frame = xen_mfn(gdt);
    xen_map_machine((uint32_t)gdt, frame, 0);
    if (hypercall(HYPERCALL_SET_GDT, (uint32_t)&frame, GDT_ENTRIES, 0, 0)) xen_panic("set_gdt was refused");
    xen_can_hide = limits_hold();
    start_events();
    xenbus_start();
    xen_block_start();
    xen_net_start();
    const struct platform platform = {
        .guest_frames = frames,
        .pool_start = FRONT_POOL,
        .pool_bytes = FRONT_POOL_END - FRONT_POOL,
        .package = package,
        .package_bytes = package_bytes,
        .entry_eip = package->entry_eip,
        .entry_esi = package->entry_esi,
        .entry_esp = package->entry_esp,
        .cpu_model = package->cpu_model,
    };
    vmm_start(&platform);
}
