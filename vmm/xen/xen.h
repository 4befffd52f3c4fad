/* What the files of the xen back end share. Pages of the domain have three names: linear address in the window, place in the
 * domain (pfn), machine frame (mfn).
 */
#ifndef XEN_H
#define XEN_H

#include "backend.h"
#include "package.h"
#include "xen-abi.h"

#define vcpu (*(volatile struct virtual_cpu *)VIRTUAL_CPU)
#define SHARED_INFO WINDOW_BACKEND
#define shared (*(volatile struct shared_info *)SHARED_INFO)
#define GRANT_TABLE (WINDOW_BACKEND + 0x1000)
/* Tables that Xen validates, mapped read-only. */
#define TABLE_POOL 0xBCC00000u
#define TABLE_POOL_END 0xBD400000u
/* Memory of the front end. */
#define FRONT_POOL 0xBD400000u
#define FRONT_POOL_END WINDOW_FRAMES

/* The last entry of the guest's part of the GDT. */
#define GDT_ENTRIES 512
#define RING_DATA XEN_DS
#define RING_HIDING ((GDT_ENTRIES - 1) * 8 + 1)

extern const struct start_info *start_info;

/* Ends the domain with one line on Xen's console. */
void xen_panic(const char *message) __attribute__((noreturn));

/* Sets up page tables beyond those of the domain builder; returns how many frames are left for the guest, at most `wanted`. */
uint32_t xen_memory_start(uint32_t wanted);
/* Machine frame of a page of the image. */
uint32_t xen_mfn(const void *linear);
/* Shows a machine frame in the window. */
void xen_map_machine(uint32_t linear, uint32_t mfn, uint32_t flags);
#define XEN_MAP_WRITABLE 2
/* A segment can hide the user half (ring-hiding.h). */
extern int xen_can_hide;
/* Where the domain builder has put a page of the domain; null when it is none. */
void *xen_domain_page(uint32_t mfn);

/* Nanoseconds as Xen counts them. */
uint64_t xen_system_time(void);

/* events.c. A port's event is told by vmm_async; one that is held only sets its bit. */
void xen_on_event(uint32_t port, uint32_t event);
void xen_take_events(void);
void xen_notify(uint32_t port);
/* A port for the control domain to bind to; 0 when there is none. */
uint32_t xen_open_port(void);
void xen_hold_port(uint32_t port);
void xen_free_port(uint32_t port);
/* Clears the bit; whether it was set. */
int xen_clear_port(uint32_t port);
/* Waits until the port's bit is set, or until a time. */
void xen_wait_port(uint32_t port, uint64_t until);

/* grants.c: lets the control domain read and write a page of the image. Returns the reference, 0 when there is none. */
uint32_t xen_grant(const void *page);

/* block.c: connects the disk, if there is one. */
void xen_block_start(void);

/* net.c: connects the network interface, if there is one. */
void xen_net_start(void);

/* xenbus.c. Names are relative to a folder; all return 0 when it cannot be done. */
#define XENBUS_PATH 128
#define XENBUS_INITIALISING 1
#define XENBUS_INIT_WAIT 2
#define XENBUS_INITIALISED 3
#define XENBUS_CONNECTED 4
#define XENBUS_CLOSED 6
void xenbus_start(void);
int xenbus_read(const char *folder, const char *name, char *value, uint32_t room);
uint32_t xenbus_read_number(const char *folder, const char *name, uint32_t otherwise);
int xenbus_write(const char *folder, const char *name, const char *value);
int xenbus_write_number(const char *folder, const char *name, uint32_t value);
/* The folders of both ends of the first device of a kind, each XENBUS_PATH bytes. */
int xenbus_find(const char *kind, char *front, char *back);
/* Waits until the back end has come to a state. */
int xenbus_wait(const char *back, uint32_t state);

void xen_console_flush(void);

#endif
