/* A line at a time from the console: the name of a workload runs it, `help` lists them, `exit` ends. */
#include "user.h"

static uint32_t read_line(char *line, uint32_t size) {
    uint32_t n = 0;
    for (;;) {
        char c;
        call(CALL_READ, 0, (uint32_t)&c, 1);
        if (c == '\r' || c == '\n') break;
        if ((c == 8 || c == 127) && n > 0) {
            n--;
            print("\b \b");
        } else if (c >= ' ' && n < size - 1) {
            line[n++] = c;
            call(CALL_WRITE, 1, (uint32_t)&c, 1);
        }
    }
    line[n] = 0;
    print("\n");
    return n;
}

static void list(const struct workload *workloads) {
    for (; workloads->name; workloads++) {
        print(" ");
        print(workloads->name);
    }
}

void shell(void) {
    char line[64];
    for (;;) {
        print("mini$ ");
        uint32_t length = read_line(line, sizeof line);
        if (string_equal(line, "exit")) return;
        if (string_equal(line, "help")) {
            list(kernel_workloads);
            list(processor_workloads);
            list(compute_workloads);
            print("\n");
        } else if (length) {
            run_workload(line, length, 1);
        }
    }
}
