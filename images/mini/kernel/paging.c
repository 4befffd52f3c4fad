/* Address spaces: page tables without PAE (Intel SDM volume 3, 4.3), copy on write, demand filling.
 *
 * Every store to a live table goes through sites.h. Kernel slots are copied when a space is made and never change.
 */
#include "kernel.h"
#include "machine.h"
#include "sites.h"

#define FIRST_KERNEL_SLOT (KERNEL_OFFSET >> 22)
#define USER_TABLE (PAGE_PRESENT | PAGE_WRITE | PAGE_USER)

extern uint32_t kernel_directory[1024];
extern char user_image_start[], user_image_end[];

/* Drops the identity map that startup.S needed. */
void paging_start(void) {
    write_directory_entry(&kernel_directory[0], 0);
    write_cr3(read_cr3());
}

uint32_t create_space(void) {
    uint32_t physical = allocate_frame();
    uint32_t *directory = linear_address(physical);
    copy_directory(directory + FIRST_KERNEL_SLOT, kernel_directory + FIRST_KERNEL_SLOT, 1024 - FIRST_KERNEL_SLOT);
    return physical;
}

/* The entry that maps `address`, or null where there is no table and `create` is 0. */
static uint32_t *find_entry(uint32_t directory_physical, uint32_t address, int create) {
    uint32_t *directory = linear_address(directory_physical);
    uint32_t slot = address >> 22;
    if (!(directory[slot] & PAGE_PRESENT)) {
        if (!create) return 0;
        write_directory_entry(&directory[slot], allocate_frame() | USER_TABLE);
    }
    uint32_t *table = linear_address(directory[slot] & ~0xFFFu);
    return &table[(address >> 12) & 1023];
}

/* Gives the new space every user page of the old one; writable pages become shared until written. */
void copy_space(uint32_t from_directory, uint32_t to_directory) {
    uint32_t *from = linear_address(from_directory);
    for (uint32_t slot = 0; slot < FIRST_KERNEL_SLOT; slot++) {
        if (!(from[slot] & PAGE_PRESENT)) continue;
        uint32_t *table = linear_address(from[slot] & ~0xFFFu);
        for (uint32_t i = 0; i < 1024; i++) {
            uint32_t entry = table[i];
            if (!(entry & PAGE_PRESENT)) continue;
            if (entry & PAGE_WRITE) {
                write_protect_pte(&table[i]);
                write_pte(&table[i], table[i] | PAGE_COPY_ON_WRITE);
                entry = table[i];
            }
            share_frame(entry & ~0xFFFu);
            write_pte(find_entry(to_directory, slot << 22 | i << 12, 1), entry & ~(uint32_t)(PAGE_ACCESSED | PAGE_DIRTY));
        }
    }
    write_cr3(read_cr3());
}

void unmap_range(uint32_t directory, uint32_t start, uint32_t end) {
    for (uint32_t address = start; address < end; address += 4096) {
        uint32_t *entry = find_entry(directory, address, 0);
        if (!entry || !(*entry & PAGE_PRESENT)) continue;
        release_frame(*entry & ~0xFFFu);
        write_pte(entry, 0);
        if (directory == read_cr3()) invalidate_page(address);
    }
}

/* Drops the user half of a space that is not in CR3, and the space itself. */
void destroy_space(uint32_t directory_physical) {
    uint32_t *directory = linear_address(directory_physical);
    for (uint32_t slot = 0; slot < FIRST_KERNEL_SLOT; slot++) {
        if (!(directory[slot] & PAGE_PRESENT)) continue;
        uint32_t table_physical = directory[slot] & ~0xFFFu;
        uint32_t *table = linear_address(table_physical);
        for (uint32_t i = 0; i < 1024; i++) {
            if (!(table[i] & PAGE_PRESENT)) continue;
            release_frame(table[i] & ~0xFFFu);
            write_pte(&table[i], 0);
        }
        write_directory_entry(&directory[slot], 0);
        release_frame(table_physical);
    }
    release_frame(directory_physical);
}

static const struct region *find_region(const struct process *process, uint32_t address) {
    for (int i = 0; i < REGION_COUNT; i++) {
        const struct region *region = &process->regions[i];
        if (address >= region->start && address < region->end) return region;
    }
    return 0;
}

/* Returns 1 when the access may be repeated, 0 when it is the process's fault. */
int resolve_fault(struct process *process, uint32_t address, uint32_t error) {
    const struct region *region = find_region(process, address);
    int write = (error & 2) != 0;
    if (!region || (write && !region->writable)) return 0;
    uint32_t page = address & ~0xFFFu;
    uint32_t *entry = find_entry(process->directory, page, 1);
    if (*entry & PAGE_PRESENT) {
        if (!write || !(*entry & PAGE_COPY_ON_WRITE)) return (*entry & PAGE_WRITE) != 0;
        uint32_t old = *entry & ~0xFFFu;
        if (frame_shares(old) == 1) {
            write_pte(entry, old | USER_TABLE);
        } else {
            uint32_t copy = allocate_frame();
            memcpy(linear_address(copy), linear_address(old), 4096);
            write_pte(entry, copy | USER_TABLE);
            release_frame(old);
        }
    } else {
        uint32_t frame = allocate_frame();
        uint32_t image_bytes = (uint32_t)(user_image_end - user_image_start);
        if (page >= USER_IMAGE_START && page - USER_IMAGE_START < image_bytes) {
            uint32_t offset = page - USER_IMAGE_START;
            uint32_t count = image_bytes - offset < 4096 ? image_bytes - offset : 4096;
            memcpy(linear_address(frame), user_image_start + offset, count);
        }
        write_pte(entry, frame | PAGE_PRESENT | PAGE_USER | (region->writable ? PAGE_WRITE : 0));
    }
    invalidate_page(page);
    return 1;
}

/* How many pages of the range were touched since this was last asked. */
int referenced_pages(uint32_t directory, uint32_t start, uint32_t end) {
    int count = 0;
    for (uint32_t address = start; address < end; address += 4096) {
        uint32_t *entry = find_entry(directory, address, 0);
        if (!entry || !(*entry & PAGE_PRESENT)) continue;
        if (clear_accessed(entry)) count++;
        invalidate_page(address);
    }
    return count;
}

int user_range_ok(uint32_t start, uint32_t count) {
    return start < KERNEL_OFFSET && count <= KERNEL_OFFSET - start;
}

/* Self-check: an entry that changes is honoured after INVLPG. */
int check_invalidation(void) {
    uint32_t first = allocate_frame(), second = allocate_frame();
    volatile uint32_t *window = linear_address(first);
    uint32_t *entry = find_entry(read_cr3(), (uint32_t)window, 0);
    uint32_t saved = *entry;
    *window = 0x11111111;
    *(volatile uint32_t *)linear_address(second) = 0x22222222;
    write_pte(entry, second | PAGE_PRESENT | PAGE_WRITE);
    invalidate_page((uint32_t)window);
    int ok = *window == 0x22222222;
    write_pte(entry, saved);
    invalidate_page((uint32_t)window);
    ok = ok && *window == 0x11111111;
    release_frame(second);
    release_frame(first);
    return ok;
}
