/* The stub back end as the unit tests see it: a process of the host in place of a hypervisor. Guest frames are pages of one
 * shared file, shown by mmap where the front end maps them.
 */
#ifndef STUB_H
#define STUB_H

#include <setjmp.h>
#include <stdint.h>

#define STUB_FRAMES 1024
#define STUB_POOL_BYTES (8 << 20)

/* Memory, window and signals; then the front end, up to its first way out. */
void stub_start(void);
/* A guest frame, always there for the tests themselves. */
uint32_t *stub_frame(uint32_t frame);
/* Runs `call` until it leaves for user mode, or returns. 1: it left for user mode. */
int stub_left(void (*call)(void));
/* What the back end was asked for. */
extern uint64_t stub_time, stub_deadline;
extern uint32_t stub_idled;
extern char stub_console[4096];

#endif
