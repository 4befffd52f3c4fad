// GNU Mach's kernel calls as a program without libraries makes them: traps through the call gate of selector 7, and messages
// to kernel ports (mach/syscall_sw.h, mach.defs, mach_host.defs, device.defs tell the numbers).
#pragma once
typedef unsigned int u32;
typedef unsigned char u8;

enum { SEND = 1, RECEIVE = 2, WAIT = 2, RECEIVE_TIMEOUT = 0x100 };
/* Kinds of rights to a message's port. */
enum { COPY_SEND = 19, MAKE_SEND = 20, MAKE_SEND_ONCE = 21 };
enum {
    TASK_CREATE = 2007, THREAD_SET_STATE = 2018, THREAD_CREATE = 2061, THREAD_RESUME = 2063,
    HOST_GET_TIME = 2634, HOST_REBOOT = 2635, DEVICE_OPEN = 2800, DEVICE_WRITE = 2802, DEVICE_WRITE_INBAND = 2803, DEVICE_READ = 2804,
    DEVICE_READ_INBAND = 2805, DEVICE_SET_FILTER = 2812,
};
/* Descriptions of items: kind, bits, number, in line. */
#define ITEM(kind, bits, number) (0x10000000u | (u32)(number) << 16 | (bits) << 8 | (kind))
#define BOOLEAN ITEM(0, 32, 1)
#define INTEGER ITEM(2, 32, 1)
#define INTEGER_ARRAY(number) ITEM(2, 32, number)
#define CHARACTERS(number) ITEM(8, 8, number)
/* Bytes at an address, which a message has instead. */
#define ELSEWHERE(number) LONG_FORM, 0x00080009u, (number)
#define RIGHT(kind) ITEM(kind, 32, 1)
#define SHORTS(number) ITEM(1, 16, number)
/* Of a packet filter: packets that come in, and the operation that pushes the next word. */
enum { NET_INCOMING = 1, NET_PUSH_LITERAL = 1 };
#define LONG_FORM 0x20000000u
/* A string of 128 characters, in the long form. */
#define STRING 0x30000000u, 0x0400000cu, 1

void mach_print(const char *text);
u32 mach_task_self(void);
u32 mach_reply_port(void);
u32 mach_msg_trap(u32 *message, u32 option, u32 send_bytes, u32 receive_bytes, u32 port, u32 timeout, u32 notify);
u32 thread_switch(u32 thread, u32 option, u32 milliseconds);
u32 vm_allocate(u32 task, u32 *address, u32 bytes, u32 anywhere);
u32 vm_deallocate(u32 task, u32 address, u32 bytes);
u32 task_terminate(u32 task);
u32 port_insert_right(u32 task, u32 name, u32 port, u32 kind);

/* Sends a request of some words to a kernel port; the answer's result, and the words behind it. */
u32 call_long(u32 port, u32 id, const u32 *words, u32 count, u32 *results, u32 result_count);
/* The same where the answer has one item of at most two words, whose words are wanted. */
u32 call(u32 port, u32 id, const u32 *words, u32 count, u32 *result);
