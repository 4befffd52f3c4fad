// Two domains that know each other's number (the command line: own, other): event channels between them. The one with the
// lower number offers a port, the other binds to it; each notifies the other ten times.
#include "kernel.h"

#define ROUNDS 10

static volatile u32 seen;

static void on(u32 port)
{
    (void)port;
    seen++;
}
static int event(u32 command) { return hypercall(32, command, (u32)args, 0, 0, 0); }
/* To the next tick of the timer, or to an event. */
static void wait(void) { hypercall(29, 1, 0, 0, 0, 0); }

void test_main(void)
{
    u32 own = start->cmd_line[0] - '0', other = start->cmd_line[2] - '0', port;
    shared[1] = 0;
    on_event = on;
    /* Wakes us every 10 ms while the other is not ready. */
    args[0] = 0, args[1] = 0;
    event(1);
    args[0] = other + 7, args[1] = 1;
    fact("bind_to_nobody", event(0));
    args[0] = other, args[1] = 900;
    fact("bind_no_port", event(0));
    if (own < other) {
        args[0] = DOMID_SELF | other << 16;
        fact("allocate", event(6));
        port = args[1];
        do {
            wait();
            args[0] = DOMID_SELF, args[1] = port;
            event(5);
        } while (args[2] == 1);
    } else {
        for (u32 candidate = 1;; candidate = candidate % 8 + 1) {
            args[0] = other, args[1] = candidate;
            if (event(0) == 0)
                break;
            if (candidate == 8)
                wait();
        }
        port = args[2];
        args[0] = DOMID_SELF, args[1] = port;
        event(5);
    }
    fact("state", (int)args[2]);
    fact("remote", (int)(args[4] & 0xffff) == (int)other);
    /* The tick is not needed any more: what wakes us now comes from the other. */
    hypercall(24, 7, 0, 0, 0, 0);
    seen = 0;
    u32 rounds = 0;
    if (own < other) {
        args[0] = port;
        event(4);
    }
    while (rounds < ROUNDS) {
        /* Masked while we look: a wait ends at once when an event is pending. */
        for (shared[1] = 1; !seen; shared[1] = 1)
            wait();
        shared[1] = 0;
        seen = 0, rounds++;
        if (own > other || rounds < ROUNDS) {
            args[0] = port;
            event(4);
        }
    }
    fact("rounds", (int)rounds);
}
