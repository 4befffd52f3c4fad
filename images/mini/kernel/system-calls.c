/* System calls: number in EAX, arguments in EBX, ESI, EDI, result in EAX (-1 for failure).
 *
 * The numbers are those of user/system-calls.h. ECX and EDX are left free for SYSENTER.
 */
#include "kernel.h"
#include "machine.h"

#define FEATURE_SEP 0x800

static uint32_t map_memory(uint32_t start, uint32_t bytes, int writable) {
    bytes = (bytes + 4095) & ~4095u;
    if (!start) start = current->map_next;
    if ((start & 4095) || bytes == 0 || !user_range_ok(start, bytes)) return (uint32_t)-1;
    for (int i = 0; i < REGION_COUNT; i++) {
        struct region *region = &current->regions[i];
        if (region->end) continue;
        *region = (struct region){start, start + bytes, writable};
        if (start == current->map_next) current->map_next = start + bytes + 4096;
        return start;
    }
    return (uint32_t)-1;
}

static uint32_t unmap_memory(uint32_t start) {
    for (int i = 2; i < REGION_COUNT; i++) {
        struct region *region = &current->regions[i];
        if (!region->end || region->start != start) continue;
        unmap_range(current->directory, region->start, region->end);
        region->start = region->end = 0;
        return 0;
    }
    return (uint32_t)-1;
}

/* Copies a string of at most `size` - 1 bytes; the process dies if it cannot be read. */
static void copy_string(char *to, uint32_t from, uint32_t size) {
    uint32_t i = 0;
    if (user_range_ok(from, size)) {
        const char *text = (const char *)from;
        while (i < size - 1 && text[i]) {
            to[i] = text[i];
            i++;
        }
    }
    to[i] = 0;
}

static uint32_t transfer(uint32_t descriptor, uint32_t buffer, uint32_t count, int write) {
    if (!user_range_ok(buffer, count)) return (uint32_t)-1;
    if (descriptor >= 3)
        return (uint32_t)(write ? pipe_write((int)descriptor, (const char *)buffer, count)
                                : pipe_read((int)descriptor, (char *)buffer, count));
    if (!write) return (uint32_t)console_read((char *)buffer, count);
    console_write((const char *)buffer, count);
    return count;
}

static uint32_t send(int id, uint32_t signal) {
    uint32_t flags = save_and_disable_interrupts();
    struct process *process = find_process(id);
    if (process && signal < 32) send_signal(process, (int)signal);
    write_flags(flags);
    return process && signal < 32 ? 0 : (uint32_t)-1;
}

static uint32_t yield(void) {
    uint32_t flags = save_and_disable_interrupts();
    schedule();
    write_flags(flags);
    return 0;
}

static uint32_t set_tls(uint32_t base) {
    uint32_t flags = save_and_disable_interrupts();
    current->tls_base = base;
    load_process_descriptors(current);
    write_flags(flags);
    return TLS_SELECTOR;
}

static uint32_t sleep_ticks(uint32_t count) {
    uint32_t end = ticks + count;
    while ((int32_t)(end - ticks) > 0) yield();
    return 0;
}

void system_call(struct frame *frame) {
    uint32_t a = frame->ebx, b = frame->esi, c = frame->edi, result = 0;
    char arguments[sizeof current->arguments];
    int status = 0;
    switch (frame->eax) {
    case 1: process_exit((int)a);
    case 2: result = (uint32_t)process_fork(frame); break;
    case 3: result = transfer(a, b, c, 0); break;
    case 4: result = transfer(a, b, c, 1); break;
    case 5:
        copy_string(arguments, a, sizeof arguments);
        process_exec(frame, arguments);
        return;
    case 6: result = (uint32_t)descriptor_close(current, (int)a - 3); break;
    case 7:
        result = (uint32_t)process_wait(&status);
        if (user_range_ok(a, 4) && a) *(int *)a = status;
        break;
    case 8: result = user_range_ok(a, 8) ? (uint32_t)pipe_create((int *)a) : (uint32_t)-1; break;
    case 9: result = (uint32_t)current->id; break;
    case 10: result = map_memory(a, b, (int)c); break;
    case 11: result = unmap_memory(a); break;
    case 12: result = send((int)a, b); break;
    case 13: current->signal_entry = a; break;
    case 14:
        if (!signal_return(frame, a)) process_exit(128 + 11);
        return;
    case 15: result = yield(); break;
    case 16: result = set_tls(a); break;
    case 17: current->alarm_tick = a ? ticks + a : 0; break;
    case 18: power_off((int)a);
    case 19:
        if (user_range_ok(a, COMMAND_LINE_BYTES)) memcpy((char *)a, command_line, COMMAND_LINE_BYTES);
        break;
    case 20:
        if (user_range_ok(a, sizeof arguments)) memcpy((char *)a, current->arguments, sizeof arguments);
        break;
    case 21: result = (uint32_t)check_sensitive(); break;
    case 22: result = (uint32_t)referenced_pages(current->directory, a & ~4095u, b); break;
    case 23: result = (processor_features & FEATURE_SEP) != 0; break;
    case 24: result = free_frames(); break;
    case 25: result = sleep_ticks(a); break;
    case 26: result = (uint32_t)repeat_class(a, b); break;
    default: result = (uint32_t)-1;
    }
    frame->eax = result;
}
