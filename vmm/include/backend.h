/* The one seam of the VMM: what the hypervisor-neutral front end asks of a back end, and what a back end calls in the
 * front end. Bound at link time: one back end for each binary.
 *
 * Under each function stand four lines that say how it is done: xen (32-bit PAE PV ABI), l4 (L4 X.2), linux (system
 * calls of a Linux host only), bare (ring 0 of a machine without a hypervisor: the test vehicle of the whole VMM).
 * vmm/stub implements everything with nothing, for unit tests of the front end on the host.
 *
 * Words: a *frame* is a page of guest-physical memory, numbered from 0; a *space* is the shadow of one guest page
 * directory; *slot* is an index into a page directory (4 MiB); the *window* is 0xBC000000 to 0xC0000000.
 * Left out for now: SMP.
 */
#ifndef BACKEND_H
#define BACKEND_H

#include <stdint.h>
#include "virtual-cpu.h"

/* ---- Start and memory ------------------------------------------------------------------------------------------ */

/* What the front end must know before the guest's first instruction. The back end's entry code fills it in and calls
 * vmm_start, on the VMM's own stack, with all window memory of the image mapped. */
struct platform {
    /* Guest memory: frames 0 to guest_frames - 1 exist. What --mem says, the same on every path. */
    uint32_t guest_frames;
    /* Window memory that the front end may use for its tables: page aligned, mapped, writable, zero. */
    uint32_t pool_start, pool_bytes;
    /* The guest, as package.h describes it: mapped, readable; null where the loader has filled guest memory already. */
    const void *package;
    uint32_t package_bytes;
    /* The guest's entry where there is no package: 32-bit entry of the Linux boot protocol. */
    uint32_t entry_eip, entry_esi, entry_esp;
    /* What CPUID shows: an index into cpu-models.h. */
    uint32_t cpu_model;
};
/* xen   entry from start_info (ESI); p2m from mfn_list; guest frames are the domain's pages that the VMM does not use
 *       itself; package is the boot module (mod_start); frames beyond the last L1 of the boot tables are mapped by it
 * l4    root task below 64 MiB: memory from sigma0, one fpage for each power of two; copies itself to the window;
 *       package is behind the image in the same ELF file
 * linux execve maps the image; guest memory is one memfd of the wanted size; package is a segment of the file
 * bare  the loader fills guest memory; the VMM lies in machine memory above it */
void vmm_start(const struct platform *platform) __attribute__((noreturn));

/* Shows a guest frame at WINDOW_FRAMES + 4096 * `slot`, readable and writable; replaces what was shown there.
 * xen   update_va_mapping with UVMF_INVLPG of a slot of the VMM's own L1 (batched with the next commit where possible)
 * l4    map item from the VMM's own memory: sigma0 has given it once, so the page is moved by an idempotent Unmap + map
 * linux mmap(MAP_FIXED | MAP_SHARED) of the memfd
 * bare  a store to the VMM's page table and INVLPG */
void backend_window(uint32_t slot, uint32_t frame);

/* The same for a slot that nothing has been shown in; holds after the next commit.
 * xen   one mmu_update entry
 * others as backend_window */
void backend_window_ahead(uint32_t slot, uint32_t frame);

/* ---- Spaces ---------------------------------------------------------------------------------------------------- */

/* The kernel half, shared by all spaces. */
#define SPACE_KERNEL 0
#define SPACE_LIMIT 64

#define MAP_WRITE 1
#define MAP_USER 2
/* The access that made the map necessary came from the guest kernel; without it, from the guest's user code. Back ends
 * that keep the user half of the kernel in another place (l4, linux) map there. */
#define MAP_FOR_KERNEL 4

/* Makes space `space`, empty. Returns 0 when the back end has nothing left to make it of: the front end then destroys
 * the least recently used one and asks again.
 * xen   one L3, two user L2s, a private slot-3 L2 from the pool of frames that are mapped read-only; PIN_L3 at first use
 * l4    nothing before the first entry to user mode; then ThreadControl + SpaceControl for one thread
 * linux clone of the stub process that is stopped under ptrace, at first entry to user mode
 * bare  one page directory whose kernel half is the VMM's */
int backend_space_create(uint32_t space);

/* Drops the space and every mapping in it.
 * xen   kept for the next space, pinned, with the L1s that have become empty; UNPIN_TABLE when its tables are wanted
 * l4    ThreadControl(space = nil)
 * linux PTRACE_KILL, wait4
 * bare  tables return to the pool */
void backend_space_destroy(uint32_t space);

/* The guest kernel's user half is from now on that of `space` (a CR3 write). Commits what is batched.
 * xen   MMUEXT_NEW_BASEPTR in the same multicall as the batch
 * l4    flushes the user half of the kernel space (one Unmap of 2 GiB); refilled on demand
 * linux munmap of the user half of the kernel process; refilled on demand
 * bare  MOV CR3 */
void backend_space_switch(uint32_t space);

/* Maps the page at `linear` to a guest frame, or changes what is mapped. `space` is SPACE_KERNEL at and above
 * KERNEL_START. May be batched. Returns 0 when there is no memory for a table: the front end drops spaces and asks again.
 * The frame behind the last one is no memory: it reads as all ones, and what is written is lost or not, as it comes.
 * xen   one mmu_update entry (PTE of the p2m's machine frame); a new L1 from the pool first
 * l4    map item in the reply to the fault that is being answered, else kept until the next one
 * linux kernel: mmap of the memfd here; user: appended to the list that the space's stub works off at its next start
 * bare  a store to the page table */
int backend_map(uint32_t space, uint32_t linear, uint32_t frame, uint32_t rights);

/* Maps `count` pages from `linear` on, all within 64 KiB, as backend_map, where nothing is mapped: frame << 12 and MAP_* of
 * each, 0 where there is to be nothing.
 * xen   mmu_update entries
 * others as backend_map, one by one */
int backend_map_run(uint32_t space, uint32_t linear, const uint32_t *entries, uint32_t count);

/* Maps the 4 MiB from `linear` on, in which nothing is mapped, by 1024 entries: frame << 12 and MAP_* of each, 0 where there
 * is to be nothing. `why` is that of all. Otherwise as backend_map.
 * xen   two L1s from the pool, written while they are no tables yet; mmu_update of the L2 entries
 * l4    one map item for each run of frames
 * linux one mmap for each run of frames
 * bare  stores to the page table */
int backend_map_slot(uint32_t space, uint32_t linear, const uint32_t *entries, uint32_t why);

/* Takes away what is mapped at `linear`, or, for the slot, in all of its 4 MiB. May be batched: the front end commits
 * before the guest can rely on it (INVLPG, CR3, CR4, entry to user mode, reuse of a table page).
 * `empty`: everything in the slot has been taken away already.
 * xen   mmu_update of the PTE with 0; of the L2 entry with 0, the L1 returns to the pool, unless it is empty: it stays
 * l4    Unmap of the fpage in the user space and in the kernel's view
 * linux munmap here and in the stub's list
 * bare  a store, and INVLPG or a CR3 reload at commit */
void backend_unmap(uint32_t space, uint32_t linear);
void backend_unmap_slot(uint32_t space, uint32_t slot, int empty);

/* Everything asked for so far, which is in the user half only, holds before guest kernel code touches user memory, and at
 * the next commit. May commit at once.
 * xen   kernel code goes on with data segments that end where the user half begins (ring-hiding.h)
 * l4    commits
 * linux commits
 * bare  as xen */
void backend_commit_later(void);
/* The selector for the data segments of guest kernel code, where they must be loaded; 0: they stay as they are. */
extern uint32_t kernel_data;

/* Everything asked for so far holds when this returns.
 * xen   one multicall: mmu_update of the whole batch, then one TLB flush or INVLPG where something was taken away
 * l4    one Unmap with up to 63 fpages
 * linux one start of the stub with its list, if the space has run since; else nothing
 * bare  CR3 reload if something was taken away */
void backend_commit(void);

/* ---- User mode ------------------------------------------------------------------------------------------------- */

/* Enters the guest's user code with the registers of virtual_cpu (general registers, eip, esp, eflags, selectors). Does
 * not return: the way back is vmm_from_user or vmm_async. Commits first.
 * xen   IRET in ring 1 to real ring-3 selectors, which are the guest's own numbers where the shared GDT can hold them
 * l4    reply to the exception IPC of the space's thread (registers), map items attached; then wait for its next message
 * linux PTRACE_SETREGS and PTRACE_SYSEMU, wait4; registers are read lazily
 * bare  IRET */
void backend_enter_user(void) __attribute__((noreturn));

/* Lets user code load `selector`, with this descriptor behind it (DPL 3, code or data). Called for each selector that is in
 * a segment register when user mode is entered, and when user code has failed to load one that the guest's tables allow.
 * Returns 1 if something was changed, 0 when it was so already or cannot be: the guest then sees the fault.
 * xen   update_descriptor of the TLS slots of the VMM's GDT frame; flat selectors are there from the start
 * l4    pistachio-tls: the extension's register; pistachio: 0 where it is not flat
 * linux set_thread_area in the user process by its stub; frames show the guest's numbers
 * bare  a store to the VMM's GDT or LDT */
int backend_user_descriptor(uint32_t selector, uint32_t low, uint32_t high);

/* FPU state belongs to user code only. `switched`: CR0.TS or CR0.EM, the next FPU instruction raises #NM. The other four
 * work on the 512 bytes (FXSAVE format) or 108 bytes (FNSAVE format, `old`) at `image`, in window memory.
 * xen   fpu_taskswitch hypercall; the sites execute the instruction itself and these are not called
 * l4    the thread's FPU, reached by a stub in the space that runs under an exception IPC
 * linux PTRACE_GETFPXREGS, SETFPXREGS of the user process
 * bare  CR0; the sites execute the instruction itself */
void backend_fpu_switched(int switched);
void backend_fpu_read(void *image, int old);
void backend_fpu_write(const void *image, int old);

/* ---- Events and time ------------------------------------------------------------------------------------------- */

/* Waits until vmm_async has set a bit in virtual_cpu.attention; returns at once if one is set already. The check and the
 * wait are one: no event between them is lost.
 * xen   evtchn_upcall_mask = 1, check, SCHEDOP_block (which clears the mask and looks at pending atomically)
 * l4    IPC wait for the timer thread; a message that came before is kept by the kernel
 * linux signals blocked, check, rt_sigsuspend
 * bare  cli, check, sti; hlt */
void backend_idle(void);

/* Asks for vmm_async(EVENT_TIMER) at this time (nanoseconds, as backend_time counts); replaces the last request;
 * TIMER_NEVER asks for none. A time that has passed fires at once.
 * xen   VCPUOP_set_singleshot_timer (3.0: set_timer_op); VIRQ_TIMER
 * l4    absolute timeout of the timer thread's IPC, told by ExchangeRegisters
 * linux timer_settime(CLOCK_MONOTONIC, absolute), SIGALRM
 * bare  8254 channel 0, one shot */
void backend_timer(uint64_t nanoseconds);
#define TIMER_NEVER UINT64_MAX

/* Nanoseconds of virtual time since an origin of the back end's; never goes back.
 * xen   vcpu_time_info and RDTSC
 * l4    SystemClock
 * linux clock_gettime(CLOCK_MONOTONIC) by the vDSO where there is one
 * bare  RDTSC */
uint64_t backend_time(void);

/* Seconds since 1970 when backend_time was 0: the RTC's start.
 * xen   wc_sec of shared_info     l4  MC146818 read through IOPL 3     linux  clock_gettime(CLOCK_REALTIME)     bare  0 */
uint32_t backend_wall_clock(void);

/* ---- Console, block, net, end ---------------------------------------------------------------------------------- */

/* Writes bytes to the guest console (COM1 and port 0xE9 in order).
 * xen   console ring and evtchn send, batched to the next commit or idle; console_io without a ring
 * l4    COM1 by IOPL 3          linux  write(1)          bare  COM1 */
void backend_console_write(const uint8_t *bytes, uint32_t count);

/* Takes one byte of input, or returns -1. EVENT_CONSOLE tells that there is one.
 * xen   console ring            l4  COM1 by its interrupt IPC          linux  read(0), SIGIO          bare  COM1 */
int backend_console_read(void);

/* Sectors of 512 bytes that the disk has, at most 2 to the 28th; 0 where there is none. Known before vmm_start. */
uint32_t backend_block_sectors(void);
/* Starts an operation: `count` sectors from `sector` on, between the disk and block_buffer from its sector `at` on; or
 * everything written so far made durable. One is outstanding at most. Of a transfer that has failed, any part may have
 * been done. BLOCK_PENDING: EVENT_BLOCK tells when backend_block_result has changed.
 * xen   blkfront ring by grants, one notification; flush: FLUSH_DISKCACHE or a barrier
 * l4    IDE ports by IOPL 3     linux  pread, pwrite, fdatasync     bare  none */
int backend_block(uint32_t operation, uint32_t sector, uint32_t at, uint32_t count);
int backend_block_result(void);
#define BLOCK_READ 0
#define BLOCK_WRITE 1
#define BLOCK_FLUSH 2
#define BLOCK_DONE 0
#define BLOCK_FAILED 1
#define BLOCK_PENDING 2
/* The front end's, page aligned. */
#define BLOCK_SECTORS 256
extern uint8_t block_buffer[BLOCK_SECTORS * 512];

/* The address of the network card, six bytes; null: there is no network.
 * xen   `mac` of the front end's directory      l4  the card's PROM      linux  the tap device's      bare  null */
const uint8_t *backend_net_station(void);

/* Sends a packet, at the latest when the guest waits; it is lost where the network has no room for it.
 * xen   netfront ring            l4  NE2000 ports by IOPL 3            linux  a tap device         bare  none */
void backend_net_send(const void *packet, uint32_t bytes);

/* The packet that has come first, null where there is none; it stays until it is dropped. EVENT_NET tells that one has come.
 * xen   netfront ring, in the page that was granted      l4  NE2000 ports      linux  a tap device      bare  none */
const uint8_t *backend_net_next(uint32_t *bytes);
void backend_net_drop(void);

/* Before the machine's state is saved: no device request is outstanding, nothing is batched, and no event arrives until
 * backend_resume, which also makes new spaces possible again after all have been destroyed.
 * xen   events masked, rings drained, console flushed; resume: new start_info, p2m, event channels bound again
 * l4    timer thread halted          linux  signals blocked          bare  interrupts off */
void backend_quiesce(void);
void backend_resume(void);

/* Ends the guest. `message` (may be null) goes to the hypervisor's console first, one line.
 * xen   SCHEDOP_shutdown: poweroff, reboot, crash
 * l4    a message to the kernel debugger's console, then an infinite IPC wait
 * linux exit_group: 0, 0, 3
 * bare  debug exit port, reset, debug exit port */
void backend_stop(uint32_t reason, const char *message) __attribute__((noreturn));
#define STOP_POWER_OFF 0
#define STOP_RESET 1
#define STOP_CRASH 2
/* The guest has written to isa-debug-exit: the value is in virtual_cpu.exit_value. */
#define STOP_DEBUG_EXIT 3

/* ---- What the back end calls ----------------------------------------------------------------------------------- */

/* All three find the interrupted registers in virtual_cpu, except where said, run on the VMM's own stack, and do not
 * return: the front end leaves by vmm_resume (kernel) or backend_enter_user. */

/* User code was stopped by an exception or a software interrupt. `error` as the hardware says it; `address` for #PF. */
void vmm_from_user(uint32_t vector, uint32_t error, uint32_t address) __attribute__((noreturn));

/* Guest kernel code below the window was stopped by an exception. */
void vmm_from_kernel(uint32_t vector, uint32_t error, uint32_t address) __attribute__((noreturn));

/* Something happened: notes it in virtual_cpu.attention. To be called wherever the event found the processor; then
 *   in user code, or in guest kernel code: with the registers in virtual_cpu, vmm_service() (does not return);
 *   at eip in the window: return to vmm_resume_point(eip, the stack there), which is eip except in a section that must
 *   start again
 * An event is never lost: attention is looked at again in the section that must start again. */
void vmm_async(uint32_t event);
/* FS and GS do not hold what user code has in them any longer: they are to be loaded before it runs. */
void vmm_load_user_segments(void);
void vmm_service(void) __attribute__((noreturn));
uint32_t vmm_resume_point(uint32_t eip, uint32_t *stack);
/* The back end's own section that must start again: in backend_enter_user, from its look at attention to the entry. */
extern const char backend_exit_start[], backend_exit_end[];
#define EVENT_TIMER 0x01
#define EVENT_CONSOLE 0x02
#define EVENT_BLOCK 0x04
#define EVENT_NET 0x08
#define EVENT_QUIESCE 0x10

/* The VMM's own code raised an exception while it worked on guest memory for the guest. Returns where to go on: `eip`
 * after the page was filled in, or the place that handles the failure. Stops the guest when it was a fault of ours. */
uint32_t vmm_from_window(uint32_t eip, uint32_t vector, uint32_t error, uint32_t address);

#endif
