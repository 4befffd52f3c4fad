/* The first process of the mini kernel: runs the workloads that the command line names and prints one transcript.
 *
 * Command line: `workload=a,b` or `workload=all`, `scale=N` for longer ones, `shell`. The lines are those that every
 * guest prints: userland, begin NAME, end NAME CHECKSUM STATUS, done; then the machine is powered off.
 */
#include "user.h"

void (*upcall_handler)(struct context *context);

void upcall(struct context *context) {
    if (upcall_handler) {
        upcall_handler(context);
    } else {
        call(CALL_EXIT, 128 + context->signal, 0, 0);
    }
}

static const struct workload *const lists[] = {
    kernel_workloads, processor_workloads, compute_workloads, repeated_workloads,
};
/* Lists that `all` stands for. */
#define LISTS_OF_ALL 3

static const struct workload *find(const char *name, uint32_t length) {
    for (uint32_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (const struct workload *w = lists[i]; w->name; w++)
            if (string_length(w->name) == length && starts_with(name, w->name)) return w;
    return 0;
}

static void print_end(const char *name, struct result result) {
    print("previrt: end ");
    print(name);
    print(" ");
    print_checksum(result.checksum);
    print(" ");
    print_number((uint32_t)result.status);
    print("\n");
}

/* Runs the workload whose name is the first `length` characters of `name`; returns its status, 127 if there is none. */
int run_workload(const char *name, uint32_t length, uint32_t scale) {
    const struct workload *workload = find(name, length);
    struct result result = {0, 127};
    char copy[24];
    if (length > sizeof copy - 1) length = sizeof copy - 1;
    memcpy(copy, name, length);
    copy[length] = 0;
    print("previrt: begin ");
    print(copy);
    print("\n");
    if (workload) result = workload->run(scale);
    print_end(copy, result);
    return result.status;
}

static int run_all(uint32_t scale) {
    int failed = 0;
    for (uint32_t i = 0; i < LISTS_OF_ALL; i++)
        for (const struct workload *w = lists[i]; w->name; w++)
            failed |= run_workload(w->name, string_length(w->name), scale);
    return failed;
}

/* The text behind `option` in the command line, or null. */
static const char *find_option(const char *line, const char *option) {
    for (const char *p = line; *p; p++)
        if ((p == line || p[-1] == ' ') && starts_with(p, option)) return p + string_length(option);
    return 0;
}

static int run_selected(const char *names, uint32_t scale) {
    int failed = 0;
    while (*names && *names != ' ') {
        uint32_t length = 0;
        while (names[length] && names[length] != ' ' && names[length] != ',') length++;
        if (length) failed |= run_workload(names, length, scale);
        names += length;
        if (*names == ',') names++;
    }
    return failed;
}

/* A process started by the workload `exec` ends with the number in its arguments. */
static int run_arguments(void) {
    char arguments[64];
    call(CALL_ARGUMENTS, (uint32_t)arguments, 0, 0);
    return starts_with(arguments, "exit ") ? (int)parse_number(arguments + 5) : -1;
}

int user_main(void) {
    char line[256];
    int status = run_arguments();
    if (status >= 0) return status;
    call(CALL_COMMAND_LINE, (uint32_t)line, 0, 0);
    print("previrt: userland\n");
    const char *names = find_option(line, "workload="), *number = find_option(line, "scale=");
    const char *interactive = find_option(line, "shell");
    uint32_t scale = number ? parse_number(number) : 1;
    if (scale == 0) scale = 1;
    if (interactive && (*interactive == 0 || *interactive == ' ')) {
        shell();
        status = 0;
    } else if (names && !starts_with(names, "all")) {
        status = run_selected(names, scale);
    } else {
        status = run_all(scale);
    }
    print("previrt: done\n");
    call(CALL_POWER_OFF, status ? 1 : 0, 0, 0);
    return 0;
}
