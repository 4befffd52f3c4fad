// Call gates of a local descriptor table, used from ring 3 and ring 1: what each makes of the stack, and what is refused.
#include "kernel.h"

static u32 table[PAGE / 4] ALIGNED;
static u8 user_stack[PAGE] ALIGNED, kernel_stack[PAGE] ALIGNED;
/* What the gate's entry has found on its stack. */
u32 seen[6];
void gate_entry(void);
extern u8 user_code[], call_direct[], call_indirect[], call_short[], call_inner[], call_absent[], call_none[], jump[];
__asm__(".balign 4096\n"
        "user_code:\n"
        "call_direct: lcall $7, $0\n"
        "call_indirect: mov $1, %ecx; lcall *far_pointer-8(, %ecx, 8)\n"
        "call_short: .byte 0x66; lcall *far_pointer_16\n"
        "call_inner: lcall $0xf, $0\n"
        "call_absent: lcall $0x17, $0\n"
        "call_none: lcall $0x3f, $0\n"
        "jump: ljmp $7, $0\n"
        "far_pointer: .long 0x12345678; .word 7\n"
        "far_pointer_16: .word 0x5678, 7\n"
        ".balign 4096\n"
        "gate_entry: movl $seen, %edx\n"
        "xorl %ecx, %ecx\n"
        "1: movl (%esp, %ecx, 4), %eax\n"
        "movl %eax, (%edx, %ecx, 4)\n"
        "incl %ecx\n"
        "cmpl $6, %ecx\n"
        "jne 1b\n"
        "movl $2, %eax\n"
        "jmp probe_out\n");
CODE(same_level, "pushl $0x55\nlcall $7, $0\nadd $4, %%esp")
CODE(same_level_jump, "ljmp $7, $0")

static void gate(u32 index, u32 entry, u32 rights)
{
    table[2 * index] = 0xe0190000 | (entry & 0xffff);
    table[2 * index + 1] = (entry & 0xffff0000) | rights;
}
static void use(u32 parameters)
{
    ext(13, 0, 0);
    read_write(table);
    gate(0, (u32)gate_entry, 0xec00 | parameters);
    gate(1, (u32)gate_entry, 0xac00);
    gate(2, (u32)gate_entry, 0x6c00);
    read_only(table);
    fact("set_ldt", ext(13, (u32)table, 8));
}

static void from_user(const char *name, u8 *code, u32 bytes)
{
    u32 *stack = (u32 *)(user_stack + PAGE - 16);
    stack[0] = 0x1111, stack[1] = 0x2222;
    for (u32 i = 0; i < 6; i++)
        seen[i] = 0;
    int how = run_user(code, stack);
    print(name);
    if (how == 1) {
        print(" trap ");
        print_number(last.vector);
        print(" error");
        fact_hex("", last.error);
        return;
    }
    fact(" eip", seen[0] == (u32)code + bytes);
    fact_hex("cs", seen[1]);
    for (u32 i = 2; i < 6; i++)
        fact_hex("word", seen[i] - (seen[i] >= (u32)user_stack && seen[i] < (u32)user_stack + PAGE ? (u32)stack : 0));
}

void test_main(void)
{
    map(user_code, pte_of(user_code, 0x67));
    map(user_stack, pte_of(user_stack, 0x67));
    use(0);
    hypercall(3, 0xe021, (u32)kernel_stack + PAGE - 16, 0, 0, 0);
    from_user("direct", call_direct, 7);
    from_user("indirect", call_indirect, 12);
    from_user("short", call_short, 7);
    /* The same table, given up and taken again. */
    ext(13, 0, 0);
    ext(13, (u32)table, 8);
    from_user("again", call_direct, 7);
    from_user("inner", call_inner, 0);
    from_user("absent", call_absent, 0);
    from_user("none", call_none, 0);
    from_user("jump", jump, 0);
    use(2);
    from_user("parameters", call_direct, 7);
    fact("same", probe(same_level));
    fact_hex("same_cs", seen[1]);
    fact_hex("same_word", seen[2]);
    fact("same_jump", probe(same_level_jump));
}
