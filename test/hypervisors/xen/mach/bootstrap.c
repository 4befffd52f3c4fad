// The first task that GNU Mach starts from its module: by Mach's own calls it makes memory, threads, tasks and messages, and
// prints what came of each. All of it that touches page tables, descriptors, traps and timers is Xen's work below.
#include "mach.h"

#define THREADS 3
#define STACK 16384
#define CHILDREN 12

static u32 self, host, devices, answers;

static void fact(const char *name, u32 value)
{
    char line[64];
    u32 length = 0;
    while (name[length])
        line[length] = name[length], length++;
    line[length++] = ' ';
    for (int shift = 28; shift >= 0; shift -= 4)
        line[length++] = "0123456789abcdef"[value >> shift & 15];
    line[length++] = '\n', line[length] = 0;
    mach_print(line);
}

/* Page tables come and go: more than one table's worth of pages, at changing addresses. */
static void memory(void)
{
    u32 sum = 0, failures = 0;
    for (u32 round = 0; round < 6; round++) {
        u32 at = 0, bytes = (3 + round) << 20;
        failures += vm_allocate(self, &at, bytes, 1) != 0;
        for (u32 i = 0; i < bytes; i += 4096) {
            failures += *(volatile u32 *)(at + i) != 0;
            *(volatile u32 *)(at + i) = at + i + round;
        }
        for (u32 i = 0; i < bytes; i += 4096)
            sum += *(volatile u32 *)(at + i) - at;
        failures += vm_deallocate(self, at, bytes) != 0;
    }
    fact("memory_failures", failures);
    fact("memory_sum", sum);
}

/* Integers and the x87 side by side: what a thread computes must not depend on who has interrupted it. */
static u32 compute(u32 seed)
{
    double real = 1;
    u32 whole = seed;
    for (u32 i = 0; i < 1500000; i++) {
        whole = whole * 1664525 + 1013904223;
        real = real * 0.999 + seed;
    }
    return whole ^ (u32)(real * 16);
}
static u32 answer_of(u32 *message) { return message[7]; }
static void send(u32 port, u32 type, u32 value)
{
    u32 message[8] = {type, 32, port, 0, 0, 77, INTEGER, value};
    mach_msg_trap(message, SEND, sizeof message, 0, 0, 0, 0);
}
static u32 receive(void)
{
    u32 message[64];
    return mach_msg_trap(message, RECEIVE, 0, sizeof message, answers, 0, 0) == 0 ? answer_of(message) : 0xffffffff;
}
static void worker(u32 seed)
{
    send(answers, MAKE_SEND, compute(seed));
    for (;;)
        thread_switch(0, WAIT, 100000);
}
static u32 start_thread(u32 task, void (*code)(u32), u32 argument, u32 stack_end)
{
    u32 *stack = (u32 *)stack_end;
    *--stack = argument, *--stack = 0;
    u32 state[17] = {[7] = (u32)stack, [12] = (u32)code, [15] = (u32)stack}, thread = 0;
    call(task, THREAD_CREATE, 0, 0, &thread);
    u32 request[20] = {INTEGER, 1, INTEGER_ARRAY(17)};
    for (u32 i = 0; i < 17; i++)
        request[3 + i] = state[i];
    u32 failed = call(thread, THREAD_SET_STATE, request, 20, 0);
    return failed ? failed : call(thread, THREAD_RESUME, 0, 0, 0);
}
static void threads(void)
{
    u32 stacks = 0, failures = 0, wanted = 0, found = 0;
    vm_allocate(self, &stacks, THREADS * STACK, 1);
    for (u32 i = 0; i < THREADS; i++)
        failures += start_thread(self, worker, i + 1, stacks + (i + 1) * STACK) != 0;
    for (u32 i = 0; i < THREADS; i++)
        found += receive();
    for (u32 i = 0; i < THREADS; i++)
        wanted += compute(i + 1);
    fact("thread_failures", failures);
    fact("threads_agree", found == wanted);
}

/* A child has a copy of all memory, page by page when it writes; its end takes its page tables apart. */
static volatile u32 shared_word = 1;
#define PORT_OF_PARENT 0x1234
static void child(u32 number)
{
    static volatile u32 many[32 * 1024];
    for (u32 i = 0; i < 32 * 1024; i += 1024)
        many[i] = number;
    shared_word += many[number * 1024];
    send(PORT_OF_PARENT, COPY_SEND, shared_word);
    for (;;)
        thread_switch(0, WAIT, 100000);
}
static void tasks(void)
{
    u32 failures = 0, sum = 0, stack = 0;
    vm_allocate(self, &stack, STACK, 1);
    for (u32 number = 1; number <= CHILDREN; number++) {
        u32 inherit[2] = {BOOLEAN, 1}, task = 0;
        u32 *top = (u32 *)(stack + STACK - 8);
        top[0] = 0, top[1] = number;
        failures += call(self, TASK_CREATE, inherit, 2, &task) != 0;
        failures += port_insert_right(task, PORT_OF_PARENT, answers, MAKE_SEND) != 0;
        failures += start_thread(task, child, number, stack + STACK) != 0;
        sum += receive();
        failures += task_terminate(task) != 0;
    }
    fact("task_failures", failures);
    fact("task_sum", sum);
    fact("own_copy", shared_word);
}

/* A thread that sleeps is woken by the timer, not before. */
static void sleeping(void)
{
    u32 early = 0, before[2], after[2];
    for (u32 i = 0; i < 5; i++) {
        call(host, HOST_GET_TIME, 0, 0, before);
        thread_switch(0, WAIT, 50);
        call(host, HOST_GET_TIME, 0, 0, after);
        u32 passed = (after[0] - before[0]) * 1000000 + after[1] - before[1];
        early += passed < 40000 || passed > 200000;
    }
    fact("sleeps_wrong", early);
}

static u32 open_device(const char *name)
{
    u32 open[5 + 32] = {INTEGER, 3, STRING}, device = 0;
    for (u32 i = 0; name[i]; i++)
        ((char *)(open + 5))[i] = name[i];
    fact("device_open", call(devices, DEVICE_OPEN, open, 5 + 32, &device));
    return device;
}

/* The disk: 40 sectors at once, more than a request takes, then one written back with all bits turned. */
static void disk(void)
{
    u32 device = open_device("xvd0"), wanted[6] = {INTEGER, 0, INTEGER, 3, INTEGER, 40 * 512}, data[4], sum = 0;
    fact("disk_read", call_long(device, DEVICE_READ, wanted, 6, data, 4));
    u32 *words = (u32 *)(data[0] & LONG_FORM ? data[3] : data[1]);
    for (u32 i = 0; i < 40 * 128; i++)
        sum = sum * 31 + words[i];
    fact("disk_sum", sum);
    for (u32 i = 0; i < 128; i++)
        words[i] = ~words[i];
    u32 put[8] = {INTEGER, 0, INTEGER, 7, ELSEWHERE(512), (u32)words};
    fact("disk_write", call(device, DEVICE_WRITE, put, 8, 0));
}

/* The network: a packet goes out, and what the other end makes of it comes in. */
static void net(void)
{
    static u32 message[1024];
    static u8 packet[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 2, 2, 2, 2, 2, 0x12, 0x34};
    u32 device = open_device("eth0"), port = mach_reply_port();
    u32 filter[6] = {RIGHT(MAKE_SEND), port, INTEGER, 0, SHORTS(3), NET_INCOMING | NET_PUSH_LITERAL << 16}, all = 1;
    u32 set[7] = {filter[0], filter[1], filter[2], filter[3], filter[4], filter[5], all};
    fact("net_filter", call(device, DEVICE_SET_FILTER, set, 7, 0));
    u32 put[8] = {INTEGER, 0, INTEGER, 0, ELSEWHERE(sizeof packet), (u32)packet}, sum = 0;
    for (u32 i = 14; i < sizeof packet; i++)
        packet[i] = (u8)(i * 5);
    /* The kernel may drop the first, for which it has no message yet. */
    u32 failed = 1;
    for (u32 tries = 0; failed && tries < 5; tries++) {
        failed = call(device, DEVICE_WRITE, put, 8, 0);
        if (!failed)
            failed = mach_msg_trap(message, RECEIVE | RECEIVE_TIMEOUT, 0, sizeof message, port, 100, 0);
    }
    fact("net_failed", failed);
    /* Behind the header of the link (64 bytes of room) a short one of Mach's own, then the packet. */
    u8 *data = (u8 *)(message + 7) + 64 + 4 + 4;
    for (u32 i = 0; i < sizeof packet - 14; i++)
        sum = sum * 31 + data[i];
    fact("net_sum", sum);
}

/* The console as a device: what is typed comes back. */
static void console(void)
{
    u32 device = open_device("console");
    mach_print("type a line\n");
    u32 wanted[6] = {INTEGER, 0, INTEGER, 0, INTEGER, 32}, line[34];
    fact("device_read", call_long(device, DEVICE_READ_INBAND, wanted, 6, line, 34));
    u32 length = line[0] >> 16 & 0xfff, put[5 + 8] = {INTEGER, 0, INTEGER, 0, CHARACTERS(length)};
    for (u32 i = 0; i < (length + 3) / 4 && i < 8; i++)
        put[5 + i] = line[1 + i];
    fact("device_write", call(device, DEVICE_WRITE_INBAND, put, 5 + (length + 3) / 4, 0));
}

static u32 number_in(const char *argument)
{
    u32 number = 0;
    for (; *argument; argument++)
        number = *argument >= '0' && *argument <= '9' ? number * 10 + (u32)(*argument - '0') : 0;
    return number;
}
void start(u32 count, char **arguments)
{
    fact("arguments", count);
    self = mach_task_self(), answers = mach_reply_port();
    host = number_in(arguments[1]), devices = number_in(arguments[2]);
    memory();
    threads();
    tasks();
    sleeping();
    disk();
    net();
    console();
    mach_print("done\n");
    u32 how[2] = {INTEGER, 0};
    fact("host_reboot", call(host, HOST_REBOOT, how, 2, 0));
    for (;;)
        thread_switch(0, WAIT, 100000);
}
