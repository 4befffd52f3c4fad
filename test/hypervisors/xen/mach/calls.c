// Traps and messages of mach.h.
#include "mach.h"

#define TRAP(name, number) __asm__(".globl " #name "\n" #name ": movl $" #number ", %eax\nlcall $7, $0\nret\n")
TRAP(mach_msg_trap, -25);
TRAP(mach_reply_port, -26);
TRAP(mach_task_self, -28);
TRAP(mach_print, -30);
TRAP(thread_switch, -61);
TRAP(vm_allocate, -65);
TRAP(vm_deallocate, -66);
TRAP(task_terminate, -69);
TRAP(port_insert_right, -74);
__asm__(".globl _start\n_start: movl %esp, %eax\nandl $-16, %esp\nleal 4(%eax), %edx\npushl %edx\npushl (%eax)\ncall start\n");

#define WORDS 64

u32 call_long(u32 port, u32 id, const u32 *words, u32 count, u32 *results, u32 result_count)
{
    static u32 reply;
    u32 message[WORDS] = {COPY_SEND | MAKE_SEND_ONCE << 8, 4 * (6 + count), port, 0, 0, id};
    if (!reply)
        reply = mach_reply_port();
    message[3] = reply;
    message[0] |= id == DEVICE_WRITE || id == DEVICE_SET_FILTER ? 0x80000000 : 0;
    for (u32 i = 0; i < count; i++)
        message[6 + i] = words[i];
    u32 failed = mach_msg_trap(message, SEND | RECEIVE, 4 * (6 + count), sizeof message, reply, 0, 0);
    if (failed)
        return failed;
    for (u32 i = 0; i < result_count; i++)
        results[i] = message[8 + i];
    return message[7];
}

u32 call(u32 port, u32 id, const u32 *words, u32 count, u32 *result)
{
    u32 results[3] = {0, 0, 0};
    u32 failed = call_long(port, id, words, count, results, 3);
    if (result)
        result[0] = results[1];
    if (result && id == HOST_GET_TIME)
        result[1] = results[2];
    return failed;
}
