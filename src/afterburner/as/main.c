/* The afterburner: runs as `as` (gcc -B) and hands the system's assembler the same source with every sensitive
 * instruction made a site.
 *
 * In front of the source goes a prelude that redefines the mnemonics as macros; what a mnemonic does not decide is
 * marked in the text. Files that a rule names, and calls that assemble no 32-bit source, go to the assembler as they
 * are. When the result does not assemble, the untouched source is tried, so that an error in it is reported with its
 * own file and line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "locations.h"
#include "profile.h"
#include "rewrite.h"
#include "tables.h"

static void fail(const char *what, const char *name) {
    fprintf(stderr, "afterburner: %s %s: %s\n", what, name, strerror(errno));
    exit(1);
}

static void run_assembler(char **arguments) {
    execvp("as", arguments);
    fail("cannot run", "as");
}

static int takes_value(const char *option) {
    static const char *const options[] = {"-o", "-I", "--defsym", "--MD", "--debug-prefix-map"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strcmp(option, options[i]) == 0) return 1;
    return 0;
}

static int is_left_alone(const char *output) {
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (strstr(output, rules[i])) return 1;
    return 0;
}

static void read_all(struct text *text, int file, const char *name) {
    char buffer[65536];
    ssize_t count;
    while ((count = read(file, buffer, sizeof buffer)) > 0) append(text, buffer, (size_t)count);
    if (count < 0) fail("cannot read", name);
}

static int memory_file(const char *name, const char *bytes, size_t length) {
    int file = memfd_create(name, 0);
    if (file < 0) fail("cannot make", name);
    while (length > 0) {
        ssize_t count = write(file, bytes, length);
        if (count < 0) fail("cannot write", name);
        bytes += count;
        length -= (size_t)count;
    }
    if (lseek(file, 0, SEEK_SET) < 0) fail("cannot rewind", name);
    return file;
}

/* Runs the assembler on an open file, its messages going to `messages`; returns its wait status. */
static int assemble(char **arguments, int input_position, int input, int messages) {
    char path[32];
    int status;
    pid_t child = fork();
    if (child < 0) fail("cannot start", "as");
    if (child == 0) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", input);
        arguments[input_position] = path;
        dup2(messages, STDERR_FILENO);
        run_assembler(arguments);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) fail("cannot wait for", "as");
    return status;
}

/* A copy of the arguments that names the standard input as the source. */
static char **with_standard_input(int count, char **arguments) {
    char **longer = calloc((size_t)count + 2, sizeof *longer);
    if (!longer) fail("cannot copy", "the arguments");
    memcpy(longer, arguments, (size_t)count * sizeof *longer);
    longer[count] = "-";
    return longer;
}

static void repeat_messages(int messages) {
    struct text text = {0};
    lseek(messages, 0, SEEK_SET);
    read_all(&text, messages, "messages");
    if (text.length > 0) fwrite(text.bytes, 1, text.length, stderr);
}

int main(int count, char **arguments) {
    int position = 0, inputs = 0, is_32_bit = 0, asks = 0;
    const char *output = "a.out";
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--32") == 0) is_32_bit = 1;
        if (strcmp(arguments[i], "--version") == 0 || strcmp(arguments[i], "--help") == 0) asks = 1;
        if (strcmp(arguments[i], "-o") == 0 && i + 1 < count) output = arguments[i + 1];
        if (takes_value(arguments[i])) {
            i++;
        } else if (arguments[i][0] != '-' || strcmp(arguments[i], "-") == 0) {
            position = i;
            inputs++;
        }
    }
    if (asks || !is_32_bit || inputs > 1 || is_left_alone(output)) run_assembler(arguments);
    if (inputs == 0) {
        arguments = with_standard_input(count, arguments);
        position = count;
    }

    const char *name = arguments[position];
    int input = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY);
    if (input < 0) fail("cannot open", name);
    struct text source = {0}, annotated = {0};
    read_all(&source, input, name);
    append_string(&annotated, prelude);
    append_string(&annotated, "# 1 \"annotated source\"\n");
    set_object(output);
    read_profile();
    if (source.length > 0) rewrite(&annotated, (struct span){source.bytes, source.bytes + source.length});

    int messages = memory_file("messages", "", 0);
    int status = assemble(arguments, position, memory_file("source", annotated.bytes, annotated.length), messages);
    if (status != 0) {
        int plain = strcmp(name, "-") == 0 ? memory_file("plain source", source.bytes, source.length) : -1;
        arguments[position] = (char *)name;
        if (plain >= 0 && dup2(plain, STDIN_FILENO) < 0) fail("cannot reuse", name);
        pid_t child = fork();
        if (child == 0) run_assembler(arguments);
        int plain_status = 1;
        if (child > 0) waitpid(child, &plain_status, 0);
        if (plain_status != 0) return 1;
        unlink(output);
        fprintf(stderr, "afterburner: %s assembles, but not with its sensitive instructions padded:\n", name);
    }
    repeat_messages(messages);
    return status != 0;
}
