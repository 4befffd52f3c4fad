// Grants as a domain may use them on itself, a line for each fact: what is refused and how, the two mappings of a handle,
// mappings by the address of an entry, replacement, versions, exchange of entries, flushes of caches, copies.
#include "kernel.h"

enum { MAP = 0, UNMAP = 1, SETUP = 2, COPY = 5, REPLACE = 7, VERSION = 8, STATUS = 9, SWAP = 11, FLUSH = 12 };
enum { DEVICE = 1, HOST = 2, READ_ONLY = 4, BY_ENTRY = 16 };
#define SELF_ID 1

static u8 table[PAGE] ALIGNED, status_page[PAGE] ALIGNED, target[PAGE] ALIGNED, other[PAGE] ALIGNED;
static u8 first[PAGE] ALIGNED, second[PAGE] ALIGNED;
static u32 frames[2];

static void grant(u32 reference, void *page, u32 flags, u32 domain)
{
    u32 *entry = (u32 *)(table + 8 * reference);
    entry[1] = mfn_of(page);
    entry[0] = domain << 16 | flags;
}
static u32 flags_of(u32 reference)
{
    return *(u16 *)(table + 8 * reference);
}
static int map_grant(u32 address, u32 flags, u32 reference, u32 domain)
{
    args[0] = address, args[1] = 0, args[2] = flags, args[3] = reference, args[4] = domain;
    hypercall(20, MAP, (u32)args, 1, 0, 0);
    return (short)(args[4] >> 16);
}
static int unmap_grant(u32 command, u32 address, u64 second_address, u32 handle)
{
    args[0] = address, args[1] = 0, args[2] = (u32)second_address, args[3] = (u32)(second_address >> 32);
    args[4] = handle, args[5] = 0;
    hypercall(20, command, (u32)args, 1, 0, 0);
    return (short)args[5];
}
static int set_version(u32 version)
{
    args[0] = version;
    return hypercall(20, VERSION, (u32)args, 1, 0, 0);
}
static int flush(u64 address, u32 offset, u32 length, u32 operation)
{
    args[0] = (u32)address, args[1] = (u32)(address >> 32), args[2] = offset | length << 16, args[3] = operation;
    return hypercall(20, FLUSH, (u32)args, 1, 0, 0);
}
static int copy(u32 from, u32 from_domain, u32 to, u32 to_domain, u32 length, u32 flags)
{
    args[0] = from, args[1] = from_domain, args[2] = to, args[3] = to_domain, args[4] = length | flags << 16;
    args[5] = 0;
    hypercall(20, COPY, (u32)args, 1, 0, 0);
    return (short)args[5];
}

static void refusals(void)
{
    grant(10, first, 1, SELF_ID);
    grant(11, first, 1, 7);
    grant(12, first, 5, SELF_ID);
    grant(13, first, 1, SELF_ID);
    ((u32 *)(table + 8 * 13))[1] = 0x7fffff;
    fact("no_kind", map_grant((u32)target, 0, 10, SELF_ID));
    fact("self", map_grant((u32)target, HOST, 10, DOMID_SELF));
    fact("control_domain", map_grant((u32)target, HOST, 10, 0));
    fact("control_domain_512", map_grant((u32)target, HOST, 512, 0));
    fact("nobody", map_grant((u32)target, HOST, 10, 99));
    fact("not_granted", map_grant((u32)target, HOST, 9, SELF_ID));
    fact("to_another", map_grant((u32)target, HOST, 11, SELF_ID));
    fact("read_only", map_grant((u32)target, HOST, 12, SELF_ID));
    fact("no_frame", map_grant((u32)target, HOST, 13, SELF_ID));
    fact("hole", map_grant(0xf5800000, HOST, 10, SELF_ID));
    fact("no_table", map_grant(0x40000000, HOST, 10, SELF_ID));
    fact("entry_unaligned", map_grant((u32)entry_of(target) + 4, HOST | BY_ENTRY, 10, SELF_ID));
    fact("count_negative", hypercall(20, MAP, (u32)args, 0x80000000, 0, 0));
    fact("command_0x1001", hypercall(20, 0x1001, (u32)args, 1, 0, 0));
}

static void mappings(void)
{
    u64 bus = (u64)mfn_of(first) * PAGE;
    fact("both", map_grant((u32)target, HOST | DEVICE, 10, SELF_ID));
    u32 handle = args[5];
    fact("bus", args[6] == (u32)bus);
    fact_hex("flags", flags_of(10));
    fact("wrong_bus", unmap_grant(UNMAP, 0, bus + PAGE, handle));
    fact("host", unmap_grant(UNMAP, (u32)target, 0, handle));
    fact_hex("flags_device", flags_of(10));
    fact("host_again", unmap_grant(UNMAP, (u32)target, 0, handle));
    fact("device", unmap_grant(UNMAP, 0, bus, handle));
    fact_hex("flags_none", flags_of(10));
    fact("handle_gone", unmap_grant(UNMAP, (u32)target, 0, handle));
    // The page is still mapped writable by the kernel, once.
    fact("pin", ext(0, mfn_of(first), 0));

    fact("by_entry", map_grant((u32)entry_of(target), HOST | BY_ENTRY, 10, SELF_ID));
    handle = args[5];
    fact("by_entry_linear", unmap_grant(UNMAP, (u32)target, 0, handle));
    fact("by_entry_gone", unmap_grant(UNMAP, (u32)entry_of(target), 0, handle));

    fact("read_map", map_grant((u32)target, HOST | READ_ONLY, 12, SELF_ID));
    handle = args[5];
    fact_hex("flags_read", flags_of(12));
    // While it is in use for reading only, writing is still asked for.
    fact("write_map", map_grant((u32)other, HOST, 12, SELF_ID));
    *(u32 *)second = 815;
    map(other, pte_of(second, 0x63));
    fact("replace", unmap_grant(REPLACE, (u32)target, (u32)other, handle));
    fact("replaced", *(u32 *)target);
    map(target, pte_of(target, 0x61));

    fact("map", map_grant((u32)other, HOST, 10, SELF_ID));
    handle = args[5];
    map(other, pte_of(first, 0x61));
    fact("rights_changed", unmap_grant(UNMAP, (u32)other, 0, handle));
    map(other, pte_of(first, 0x63));
    fact("rights_back", unmap_grant(UNMAP, (u32)other, 0, handle));
}

static void versions(void)
{
    grant(3, first, 1, 0);
    fact("version_3", set_version(3));
    fact("in_use", map_grant((u32)other, HOST, 10, SELF_ID));
    u32 handle = args[5];
    fact("version_in_use", set_version(2));
    unmap_grant(UNMAP, (u32)other, 0, handle);
    fact("version_2", set_version(2));
    fact("reserved_kept", *(u32 *)(table + 16 * 3) == 1 && *(u32 *)(table + 16 * 3 + 8) == mfn_of(first));
    fact("others_gone", *(u32 *)(table + 16 * 10));
    static u64 list[1];
    args[0] = 1, args[1] = DOMID_SELF, args[2] = (u32)list;
    fact("status_frames", hypercall(20, STATUS, (u32)args, 1, 0, 0));
    map(status_page, list[0] * PAGE | 0x61);
    fact("version_1_mapped", set_version(1));
    fact("version_kept", (int)args[0]);
    map(status_page, 0);
    fact("version_1", set_version(1));
    fact("reserved_back", *(u32 *)(table + 8 * 3) == 1 && *(u32 *)(table + 8 * 3 + 4) == mfn_of(first));
}

static void swaps(void)
{
    grant(20, first, 1, 5);
    grant(21, second, 1, 6);
    args[0] = 20, args[1] = 21, args[2] = 77;
    fact("swap", hypercall(20, SWAP, (u32)args, 1, 0, 0));
    fact("swap_status", (short)args[2]);
    fact("swapped", *(u32 *)(table + 8 * 20) == (6 << 16 | 1) && *(u32 *)(table + 8 * 21 + 4) == mfn_of(first));
    args[0] = 20, args[1] = 512;
    hypercall(20, SWAP, (u32)args, 1, 0, 0);
    fact("swap_bad", (short)args[2]);
    u64 own = (u64)mfn_of(first) * PAGE;
    fact("flush", flush(own, 0, PAGE, 3));
    fact("flush_clean", flush(own, 8, 8, 1));
    fact("flush_invalidate", flush(own, 0, PAGE, 2));
    fact("flush_long", flush(own, 1, PAGE, 3));
    fact("flush_other", flush(own, 0, 8, 4));
    fact("flush_nothing", flush(own, 0, 0, 3));
    fact("flush_foreign", flush(0x1000, 0, 8, 3));
    fact("flush_outside", flush(0x700000000ull, 0, 8, 3));
}

static void copies(void)
{
    grant(30, first, 1, SELF_ID);
    *(u32 *)first = 4711;
    fact("copy", copy(30, SELF_ID, mfn_of(second), DOMID_SELF, 64, 1));
    fact("copied", *(u32 *)second);
    fact("copy_own_id", copy(mfn_of(first), SELF_ID, mfn_of(second), DOMID_SELF, 64, 0));
    fact("copy_nobody", copy(30, 99, mfn_of(second), DOMID_SELF, 64, 1));
    fact("copy_not_granted", copy(31, SELF_ID, mfn_of(second), DOMID_SELF, 64, 1));
    fact("copy_no_reference", copy(600, SELF_ID, mfn_of(second), DOMID_SELF, 64, 1));
    fact("copy_foreign", copy(0x100, DOMID_SELF, mfn_of(second), DOMID_SELF, 64, 0));
    fact("copy_long", copy(mfn_of(first), DOMID_SELF, mfn_of(second), 1 << 16 | DOMID_SELF, PAGE, 0));
    *(u32 *)first = 0;
    map(first, pte_of(first, 0x61));
    ext(0, mfn_of(first), 0);
    fact("copy_to_table", copy(mfn_of(second), DOMID_SELF, mfn_of(first), DOMID_SELF, 64, 0));
}

void test_main(void)
{
    args[0] = DOMID_SELF, args[1] = 1, args[2] = 0, args[3] = (u32)frames;
    hypercall(20, SETUP, (u32)args, 1, 0, 0);
    map(table, (u64)frames[0] * PAGE | 0x63);
    refusals();
    mappings();
    versions();
    swaps();
    copies();
}
