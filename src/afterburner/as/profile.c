/* Stores that a run of the guest has shown to hit a table, and that no source line gives away.
 *
 * The profile is a text file of lines "FUNCTION ORDINAL TOTAL": the store is instruction number ORDINAL, from 0, of the
 * TOTAL instructions of the function that do something. A function whose text has another number of instructions is
 * not the one that was profiled, and is left as it is.
 */
#define _GNU_SOURCE
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "operands.h"
#include "statements.h"

#define SECTION_DEPTH 16

struct entry {
    char function[128];
    long ordinal, total;
};

static struct entry *entries;
static size_t entry_count;
static const char **stores;
static size_t store_count;

void read_profile(void) {
    char path[4096], line[256];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 16);
    if (length < 0) return;
    path[length] = 0;
    strcpy(strrchr(path, '/'), "/profile");
    FILE *file = fopen(path, "r");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        struct entry entry;
        if (sscanf(line, "%127s %ld %ld", entry.function, &entry.ordinal, &entry.total) != 3) continue;
        entries = realloc(entries, (entry_count + 1) * sizeof *entries);
        if (!entries) abort();
        entries[entry_count++] = entry;
    }
    fclose(file);
}

/* The section that a run of statements is in. */
struct place {
    struct span section, previous, stack[SECTION_DEPTH];
    int depth;
};

static struct span section_name(struct span arguments) {
    const char *comma = memchr(arguments.start, ',', span_length(arguments));
    return trim((struct span){arguments.start, comma ? comma : arguments.end});
}

static void follow_section(struct place *place, struct span word, struct span arguments) {
    struct span old = place->section;
    if (span_equal(word, ".text") || span_equal(word, ".data") || span_equal(word, ".bss")) {
        place->section = word;
    } else if (span_equal(word, ".section")) {
        place->section = section_name(arguments);
    } else if (span_equal(word, ".previous")) {
        place->section = place->previous;
    } else if (span_equal(word, ".pushsection") && place->depth < SECTION_DEPTH) {
        place->stack[place->depth++] = old;
        place->section = section_name(arguments);
    } else if (span_equal(word, ".popsection") && place->depth > 0) {
        place->section = place->stack[--place->depth];
    } else {
        return;
    }
    place->previous = old;
}

static int same(struct span a, struct span b) {
    return span_length(a) == span_length(b) && memcmp(a.start, b.start, span_length(a)) == 0;
}

/* Whether a statement is an instruction that does something; a prefix alone belongs to the next statement. */
static int is_useful(struct span body) {
    struct span word = first_word(body);
    if (span_equal(word, ".byte")) return 1;
    if (*body.start == '.' || span_equal(word, "nop")) return 0;
    return !(is_prefix(word) && word.end == body.end);
}

/* Walks the function whose label was just passed; fills `found` with its instructions and returns how many. */
static long walk(struct place place, const char *cursor, const char *end, struct span name, const char ***found) {
    struct statement statement;
    struct span home = place.section;
    long count = 0;
    while (next_statement(&cursor, end, &statement)) {
        struct span body = statement.body, word = first_word(body), arguments = rest_after(body, word);
        if (span_equal(word, ".size") && same(first_word(arguments), name)) break;
        follow_section(&place, word, arguments);
        if (!same(place.section, home) || !is_useful(body)) continue;
        *found = realloc(*found, (size_t)(count + 1) * sizeof **found);
        if (!*found) abort();
        (*found)[count++] = body.start;
    }
    return count;
}

static void note(const char *statement) {
    stores = realloc(stores, (store_count + 1) * sizeof *stores);
    if (!stores) abort();
    stores[store_count++] = statement;
}

static void find_in_function(struct place place, const char *cursor, const char *end, struct span name) {
    const char **found = NULL;
    long count = -1;
    for (size_t i = 0; i < entry_count; i++) {
        if (!span_equal(name, entries[i].function)) continue;
        if (count < 0) count = walk(place, cursor, end, name, &found);
        if (count == entries[i].total && entries[i].ordinal >= 0 && entries[i].ordinal < count)
            note(found[entries[i].ordinal]);
    }
    free(found);
}

void find_profiled_stores(const char *start, const char *end) {
    struct place place = {{".text", NULL}, {".text", NULL}, {{NULL, NULL}}, 0};
    struct statement statement;
    const char *cursor = start;
    place.section.end = place.section.start + strlen(place.section.start);
    place.previous = place.section;
    if (entry_count == 0) return;
    while (next_statement(&cursor, end, &statement)) {
        struct span word = first_word(statement.body);
        if (statement.labelled) find_in_function(place, statement.body.start, end, statement.label);
        follow_section(&place, word, rest_after(statement.body, word));
    }
}

int is_profiled_store(const char *statement) {
    for (size_t i = 0; i < store_count; i++)
        if (stores[i] == statement) return 1;
    return 0;
}
