// Prints what the hypercalls on memory answer, a line for each fact: mmu_update, update_va_mapping, mmuext_op, descriptor
// tables, memory_op, stores to page tables, grants. The expected values are those measured on a real Xen.
#include "kernel.h"

static u64 l1[512] ALIGNED, l2[512] ALIGNED, l3[512] ALIGNED;
static u8 data[PAGE] ALIGNED, other[PAGE] ALIGNED, gdt_page[PAGE] ALIGNED, ldt_page[2 * PAGE] ALIGNED;
static u8 table_page[PAGE] ALIGNED;

static void mmu_facts(void)
{
    u64 entry = entry_of(data);
    u64 same = pte_of(data, 0x63);
    fact("mmu_same", mmu(entry, same));
    fact("mmu_clear", mmu(entry, 0));
    fact("mmu_read_only", mmu(entry, pte_of(data, 0x21)));
    fact("mmu_back", mmu(entry, same));
    fact("mmu_plain_page", mmu(maddr(data), 0x1122334455667788ull));
    fact("mmu_plain_written", *(u64 *)data == 0x1122334455667788ull);
    fact("mmu_not_owned", mmu(0x100000, 0));
    fact("mmu_map_foreign", mmu(entry, 0x100000 | 0x21));
    fact("mmu_map_io", mmu(entry, 0xfed00000 | 0x21));
    fact("mmu_reserved", mmu(entry, same | 1ull << 40));
    fact("mmu_pat", mmu(entry, same | 0x80));
    fact("mmu_global", mmu(entry, same | 0x100));
    mmu(entry, same);
    fact("mmu_table_writable", mmu(entry, (mfn_of((void *)start->pt_base) * (u64)PAGE) | 0x63));
    fact("mmu_table_read_only", mmu(entry, (mfn_of((void *)start->pt_base) * (u64)PAGE) | 0x21));
    mmu(entry, same);
    fact("mmu_machphys", mmu(maddr(data) - (u32)data % PAGE + 1, ((u32)data - VIRT_BASE) / PAGE));
    fact("mmu_machphys_seen", ((u32 *)0xf5800000)[mfn_of(data)] == ((u32)data - VIRT_BASE) / PAGE);
    fact("mmu_preserve", mmu(entry | 2, same));
    fact("mmu_no_translate", mmu(entry | 3, same));
    fact("mmu_command_4", mmu(entry | 4, same));
    u32 done = 99;
    static u64 list[4];
    list[0] = entry, list[1] = same, list[2] = entry, list[3] = 0x100000 | 0x63;
    fact("mmu_two", hypercall(1, (u32)list, 2, (u32)&done, DOMID_SELF, 0));
    fact("mmu_done", done);
    fact("mmu_bad_domain", hypercall(1, (u32)list, 1, 0, 77, 0));

    fact("va_ok", map(data, same));
    fact("va_hole", hypercall(14, 0xf5800000, (u32)same, 0, 2, 0));
    fact("va_no_table", hypercall(14, 0x20000000, (u32)same, 0, 2, 0));
    fact("va_flags_3", hypercall(14, (u32)data, (u32)same, 0, 3, 0));
    fact("va_absent", hypercall(14, (u32)other, 0x1234000, 0, 0, 0));
    read_write(other);
}

static void pin_facts(void)
{
    fact("pin_l1_writable", ext(0, mfn_of(l1), 0));
    read_only(l1);
    fact("pin_l1", ext(0, mfn_of(l1), 0));
    fact("pin_l1_again", ext(0, mfn_of(l1), 0));
    fact("pin_l2_of_l1", ext(1, mfn_of(l1), 0));
    fact("pinned_writable", read_write(l1));
    fact("unpin", ext(4, mfn_of(l1), 0));
    fact("unpin_again", ext(4, mfn_of(l1), 0));
    read_only(l2);
    l3[0] = pte_of(l2, 1);
    read_only(l3);
    fact("pin_l3_empty_slot_3", ext(2, mfn_of(l3), 0));
    read_write(l2), read_write(l3);
    fact("pin_l4", ext(3, mfn_of(l1), 0));
    fact("new_user_base", ext(15, mfn_of(l1), 0));
    fact("mark_super", ext(19, 0, 0));
    fact("new_base_bad", ext(5, mfn_of(data), 0));
    fact("new_base_same", ext(5, mfn_of((void *)start->pt_base), 0));
    static const u8 flushes[] = {6, 7, 8, 9, 10, 11};
    for (u32 i = 0; i < sizeof flushes; i++)
        fact("flush", ext(flushes[i], (u32)data, (u32)data));
    fact("flush_bad_mask", ext(8, 0, 0x20000000));
    fact("flush_cache_global", ext(18, 0, 0));
    fact("flush_cache", ext(12, 0, 0));
    *(u32 *)data = 77;
    fact("clear_page", ext(16, mfn_of(data), 0));
    fact("cleared", *(u32 *)data);
    *(u32 *)other = 99;
    fact("copy_page", ext(17, mfn_of(data), mfn_of(other)));
    fact("copied", *(u32 *)data);

    args[0] = mfn_of(gdt_page);
    fact("gdt_writable", hypercall(2, (u32)args, 512, 0, 0, 0));
    read_only(gdt_page);
    fact("gdt", hypercall(2, (u32)args, 512, 0, 0, 0));
    fact("gdt_too_many", hypercall(2, (u32)args, 14 * 512 + 1, 0, 0, 0));
    u64 at = maddr(gdt_page) + 8;
#define DESCRIPTOR(name, low, high, where)                                                                             \
    fact(name, hypercall(10, (u32)(where), (u32)((where) >> 32), low, high, 0))
    DESCRIPTOR("descriptor_code", 0xffff, 0x00cf9b00, at);
    fact_hex("descriptor_fixed", *(u32 *)(gdt_page + 12));
    DESCRIPTOR("descriptor_tss", 0x0067, 0x00008900, at);
    DESCRIPTOR("descriptor_ldt", 0x0067, 0x00008200, at);
    DESCRIPTOR("descriptor_long", 0xffff, 0x00af9b00, at);
    DESCRIPTOR("descriptor_absent", 0xffff, 0x00001234, at);
    DESCRIPTOR("descriptor_gate", 0xe0190000, 0x0000ec00, at);
    fact_hex("descriptor_gate_dpl", *(u32 *)(gdt_page + 12));
    DESCRIPTOR("descriptor_plain_page", 0xffff, 0x00cf9b00, maddr(data));
    DESCRIPTOR("descriptor_unaligned", 0, 0, at + 4);
    DESCRIPTOR("descriptor_data", 0xffff, 0x00cff200, at);

    fact("ldt_unaligned", ext(13, (u32)ldt_page + 8, 1));
    fact("ldt_too_many", ext(13, (u32)ldt_page, 8193));
    *(u64 *)(ldt_page + 8) = 0x00cff3000000ffffull;
    fact("ldt", ext(13, (u32)ldt_page, 512));
}

static u16 selector;
static void load_es(void) { __asm__ volatile("mov %0, %%es; mov %%ds, %%eax; mov %%eax, %%es" ::"m"(selector) : "eax"); }
static void load_ss(void) { __asm__ volatile("mov %0, %%ss" ::"m"(selector)); }
static void selector_fact(const char *name, u16 value, void (*code)(void))
{
    selector = value;
    if (!probe(code)) {
        fact(name, 0);
        return;
    }
    print(name);
    print(" trap ");
    print_number(last.vector);
    fact_hex("", last.error);
}

static void trap_facts(void)
{
    selector_fact("load_0x10", 0x10, load_es);
    selector_fact("load_own", 0x0b, load_es);
    selector_fact("load_xen", 0xe008, load_es);
    selector_fact("load_ss_rpl_0", 0xe020, load_ss);
    selector_fact("load_ldt_writable", 0x0f, load_es);
    fact_hex("ldt_fault_cr2", last_cr2 - (u32)ldt_page);
    ext(13, 0, 0);
    read_only(ldt_page);
    ext(13, (u32)ldt_page, 512);
    selector_fact("load_ldt", 0x0f, load_es);
}

static void table_store(void) { *(volatile u32 *)table_page = 0; }
static void bad_store(void) { *(volatile u32 *)table_page = 0x100000 | 0x21; }
/* The page directory that maps the kernel itself, and the table of pointers: stores to them are refused. */
static u64 *directory;
static void directory_store(void) { *(volatile u32 *)&directory[5] = 0; }
static void pointer_store(void) { *(volatile u32 *)(start->pt_base + 8) = 0; }
static void table_write_facts(void)
{
    u64 *pointers = (u64 *)start->pt_base;
    for (u32 i = 1; i < start->nr_pt_frames; i++) {
        u64 *table = (u64 *)(start->pt_base + i * PAGE);
        if (mfn_of(table) == (u32)(pointers[3] / PAGE))
            directory = table;
    }
    fact_hex("slot_of_xen", (u32)directory[0x1ac] & 0xfff);
    instruction("directory_store", directory_store);
    instruction("pointer_store", pointer_store);

    /* A page table of our own, read-only and pinned, written by plain stores. */
    read_only(table_page);
    fact("pin_table", ext(0, mfn_of(table_page), 0));
    instruction("ptwr_unasked", table_store);
    hypercall(21, 0, 2, 0, 0, 0);
    *(volatile u32 *)table_page = (u32)pte_of(data, 0x21);
    fact("ptwr_written", *(u32 *)table_page == (u32)pte_of(data, 0x21));
    instruction("ptwr_bad", bad_store);
    fact("ptwr_kept", *(u32 *)table_page == (u32)pte_of(data, 0x21));
    instruction("ptwr_clear", table_store);
    __asm__ volatile("lock btsl $1, %0" : "+m"(*(u32 *)table_page));
    fact("ptwr_bts", *(u32 *)table_page);
    ext(4, mfn_of(table_page), 0);
    read_write(table_page);
}

static void memory_facts(void)
{
    args[0] = DOMID_SELF;
    fact("current", (u32)hypercall(12, 3, (u32)args, 0, 0, 0) == start->nr_pages);
    fact("memory_map", call2(12, 9, 0, 0, 0, 0));
    fact("machphys_mapping", hypercall(12, 12, (u32)args, 0, 0, 0));
    fact_hex("machphys_start", args[0]);
    fact_hex("machphys_end", args[1]);
    u32 mfn = mfn_of(other), list = mfn;
    args[0] = (u32)&list, args[1] = 1, args[2] = 0, args[3] = 0, args[4] = DOMID_SELF;
    fact("decrease_mapped", hypercall(12, 1, (u32)args, 0, 0, 0));
    fact("decrease_again", hypercall(12, 1, (u32)args, 0, 0, 0));
    map(other, 0);
    list = ((u32)other - VIRT_BASE) / PAGE;
    fact("populate", hypercall(12, 6, (u32)args, 0, 0, 0));
    ((u32 *)start->mfn_list)[((u32)other - VIRT_BASE) / PAGE] = list;
    fact("populate_m2p", ((u32 *)0xf5800000)[list] == ((u32)other - VIRT_BASE) / PAGE);
    fact("populate_map", read_write(other));
}

static void grant_facts(void)
{
    static u32 frames[2];
    args[0] = DOMID_SELF, args[1] = 1, args[2] = 0, args[3] = (u32)frames;
    fact("grant_setup", hypercall(20, 2, (u32)args, 1, 0, 0));
    fact("grant_setup_status", (short)args[2]);
    args[0] = DOMID_SELF;
    fact("grant_query", hypercall(20, 6, (u32)args, 1, 0, 0));
    fact("grant_frames", args[1]);
    fact("grant_frames_most", args[2]);
    static u8 table[PAGE] ALIGNED, target[PAGE] ALIGNED;
    map(table, (u64)frames[0] * PAGE | 0x63);
    u32 *entry = (u32 *)(table + 8 * 9);
    u32 self = start->flags & 1 ? 0 : 1;
    entry[0] = self << 16 | 1, entry[1] = mfn_of(data);
    *(u32 *)data = 4711;
    args[0] = (u32)target, args[1] = 0, args[2] = 2, args[3] = 9, args[4] = self;
    fact("grant_map", hypercall(20, 0, (u32)args, 1, 0, 0));
    fact("grant_map_status", (short)(args[4] >> 16));
    fact_hex("grant_flags", entry[0] & 0xffff);
    fact("grant_seen", *(u32 *)target);
    u32 handle = args[5];
    args[0] = (u32)target, args[1] = 0, args[2] = 0, args[3] = 0, args[4] = handle, args[5] = 0;
    fact("grant_unmap", hypercall(20, 1, (u32)args, 1, 0, 0));
    fact("grant_unmap_status", (short)args[5]);
    fact_hex("grant_flags_after", entry[0] & 0xffff);
    args[0] = (u32)target, args[1] = 0, args[2] = 2, args[3] = 512, args[4] = self;
    hypercall(20, 0, (u32)args, 1, 0, 0);
    fact("grant_bad_reference", (short)(args[4] >> 16));
    args[0] = 2;
    fact("grant_version_2", hypercall(20, 8, (u32)args, 1, 0, 0));
    fact("grant_version", args[0]);
}

void test_main(void)
{
    mmu_facts();
    pin_facts();
    trap_facts();
    table_write_facts();
    memory_facts();
    grant_facts();
}
