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
/* Tables that Xen validates, mapped read-only. */
#define TABLE_POOL 0xBCC00000u
#define TABLE_POOL_END 0xBD400000u
/* Memory of the front end. */
#define FRONT_POOL 0xBD400000u
#define FRONT_POOL_END WINDOW_FRAMES

extern const struct start_info *start_info;

/* Ends the domain with one line on Xen's console. */
void xen_panic(const char *message) __attribute__((noreturn));

/* Sets up page tables beyond those of the domain builder; returns how many frames are left for the guest, at most `wanted`. */
uint32_t xen_memory_start(uint32_t wanted);
/* Machine frame of a page of the image. */
uint32_t xen_mfn(const void *linear);
/* Shows a machine frame in the window. */
void xen_map_machine(uint32_t linear, uint32_t mfn, uint32_t flags);

void xen_console_flush(void);

#endif
