/* Start: the virtual processor as the 32-bit entry of the Linux boot protocol wants it (flat segments, paging off, interrupts
 * off), the memory of the front end, the chips.
 */
#include "front.h"
#include "package.h"

struct platform platform;
static uint32_t pool_next;
static void *free_pages;

void *pool_take(uint32_t bytes) {
    uint32_t taken = pool_next;
    bytes = (bytes + 4095) & ~4095u;
    if (bytes > platform.pool_start + platform.pool_bytes - pool_next) crash("the pool is too small");
    pool_next += bytes;
    return (void *)taken;
}

void *page_allocate(void) {
    void *page = free_pages;
    if (page) {
        free_pages = *(void **)page;
        *(void **)page = 0;
        return page;
    }
    if (pool_next + 4096 > platform.pool_start + platform.pool_bytes) return 0;
    return pool_take(4096);
}

void page_free(void *page, int empty) {
    void *at = page;
    uint32_t count = empty ? 0 : 1024;
    asm volatile("rep stosl" : "+D"(at), "+c"(count) : "a"(0) : "memory");
    *(void **)page = free_pages;
    free_pages = page;
}

#define BOOT_CODE 0x10
#define BOOT_DATA 0x18

/* Shows a part's pages in slots of the window that nothing has been shown in so far. */
static void show_part(const struct package_part *part) {
    uint32_t last = (part->physical + part->bytes - 1) >> 12;
    for (uint32_t frame = part->physical >> 12; frame <= last && frame < platform.guest_frames; frame++) {
        if (shown[frame % WINDOW_SLOTS]) continue;
        shown[frame % WINDOW_SLOTS] = frame + 1;
        backend_window_ahead(frame % WINDOW_SLOTS, frame);
    }
    backend_commit();
}

/* Puts the guest where a boot loader would have put it. */
static void unpack(const struct package *package) {
    for (uint32_t i = 0; i < package->part_count; i++) {
        const struct package_part *part = &package->parts[i];
        if (part->bytes) show_part(part);
        for (uint32_t done = 0; done < part->bytes;) {
            uint32_t at = part->physical + done, offset = at & 4095, left = part->bytes - done;
            uint32_t count = left < 4096 - offset ? left : 4096 - offset;
            const uint8_t *from = (const uint8_t *)package + part->offset + done;
            uint8_t *to;
            if (at >> 12 >= platform.guest_frames) crash("the guest does not fit its memory");
            to = (uint8_t *)window(at >> 12) + offset;
            done += count;
            uint32_t words = count / 4, rest = count & 3;
            if (part->offset)
                asm volatile("rep movsl\n\tmovl %3, %%ecx\n\trep movsb" : "+D"(to), "+S"(from), "+c"(words) : "r"(rest) : "memory");
            else
                asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(0) : "memory");
        }
    }
}

void vmm_start(const struct platform *given) {
    const struct descriptor code = {0x0000FFFF, 0x00CF9B00}, data = {0x0000FFFF, 0x00CF9300};
    platform = *given;
    pool_next = (platform.pool_start + 4095) & ~4095u;
    cpu_model = &cpu_models[platform.cpu_model];
    vcpu.cr[0] = CR0_PE | CR0_ET;
    vcpu.eflags = 2;
    vcpu.idt_limit = 0;
    vcpu.gdt_base = 0x11000;
    vcpu.gdt_limit = BOOT_DATA + 7;
    vcpu.dr[6] = 0xFFFF0FF0;
    vcpu.dr[7] = 0x400;
    for (uint32_t i = 0; i < 8; i++) vcpu.segment_rights[i] = 0x10000;
    shortcuts_start();
    set_segment(SEGMENT_CS, BOOT_CODE, &code);
    set_segment(SEGMENT_ES, BOOT_DATA, &data);
    set_segment(SEGMENT_SS, BOOT_DATA, &data);
    set_segment(SEGMENT_DS, BOOT_DATA, &data);
    set_segment(SEGMENT_FS, BOOT_DATA, &data);
    set_segment(SEGMENT_GS, BOOT_DATA, &data);
    vcpu.eip = platform.entry_eip;
    ESI = platform.entry_esi;
    ESP = platform.entry_esp;
    if (platform.package) unpack(platform.package);
    shadow_start();
    ports_start();
    vmm_resume();
}
