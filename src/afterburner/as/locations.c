/* Stores that are sensitive because of the source line they come from.
 *
 * gcc -fverbose-asm puts "# FILE:LINE: TEXT" in front of the instructions of a source line whenever the line changes.
 * What the compiler keeps on the stack for itself (operands relative to ESP) is no part of the line's meaning.
 */
#include "locations.h"

#include <string.h>

#include "tables.h"

static const char *object = "";

void set_object(const char *path) { object = path; }

static int ends_with(struct span span, const char *suffix) {
    size_t length = strlen(suffix);
    return span_length(span) >= length && memcmp(span.end - length, suffix, length) == 0;
}

static int contains(struct span span, const char *part) {
    size_t length = strlen(part);
    for (const char *p = span.start; p + length <= span.end; p++)
        if (memcmp(p, part, length) == 0) return 1;
    return 0;
}

/* Splits "FILE:LINE: TEXT"; returns 0 when the comment is something else. */
static int parse_comment(struct span comment, struct span *file, struct span *line) {
    const char *p = comment.start;
    while (p < comment.end && *p != ':' && *p != ' ' && *p != '"') p++;
    if (p == comment.start || p >= comment.end || *p != ':') return 0;
    *file = (struct span){comment.start, p++};
    const char *digits = p;
    while (p < comment.end && *p >= '0' && *p <= '9') p++;
    if (p == digits || p >= comment.end || *p != ':') return 0;
    *line = trim((struct span){p + 1, comment.end});
    return 1;
}

static const char *site_of_line(struct span file, struct span line) {
    for (size_t i = 0; i < sizeof store_lines / sizeof store_lines[0]; i++)
        if (contains(line, store_lines[i].line) && ends_with(file, store_lines[i].file)) return store_lines[i].site;
    return NULL;
}

static void follow_comment(struct location *location, struct span comment) {
    struct span file, line;
    if (span_equal(comment, "APP")) {
        location->inline_assembly = 1;
    } else if (span_equal(comment, "NO_APP")) {
        location->inline_assembly = 0;
    } else if (parse_comment(comment, &file, &line)) {
        location->site = site_of_line(file, line);
    }
}

void follow_comments(struct location *location, struct span gap) {
    for (const char *p = gap.start; p < gap.end; p++) {
        const char *end = memchr(p, '\n', (size_t)(gap.end - p));
        if (!end) end = gap.end;
        if (*p == '#') follow_comment(location, trim((struct span){p + 1, end}));
        p = end;
    }
}

/* Whether the last operand of an instruction that writes is in memory, and not relative to ESP. */
static int is_store(struct span statement) {
    static const char *const writers[] = {"mov", "and", "or", "xor", "add", "sub", "inc", "dec", "not", "neg",
                                          "btr", "bts", "btc", "xchg", "cmpxchg", "lock", "rep"};
    struct span word = first_word(statement);
    struct span operands = rest_after(statement, word);
    int writes = 0, depth = 0;
    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++) writes |= span_starts_with(word, writers[i]);
    if (!writes || span_starts_with(word, "movz") || span_starts_with(word, "movsb") || span_starts_with(word, "movsw"))
        return 0;
    if (span_starts_with(word, "rep")) return span_starts_with(operands, "movs") || span_starts_with(operands, "stos");
    struct span last = operands;
    for (const char *p = operands.start; p < operands.end; p++) {
        if (*p == '(') depth++;
        if (*p == ')') depth--;
        if (*p == ',' && depth == 0) last.start = p + 1;
    }
    last = trim(last);
    if (last.start == last.end || *last.start == '%' || *last.start == '$') return 0;
    const char *base = memchr(last.start, '(', span_length(last));
    return !base || !span_starts_with((struct span){base, last.end}, "(%esp");
}

/* Compares as if every run of blanks were one. */
static int starts_with_statement(struct span statement, const char *prefix) {
    const char *p = statement.start;
    for (; *prefix; prefix++) {
        if (p >= statement.end) return 0;
        if (*prefix == ' ' && (*p == ' ' || *p == '\t')) {
            while (p < statement.end && (*p == ' ' || *p == '\t')) p++;
        } else if (*p++ != *prefix) {
            return 0;
        }
    }
    return 1;
}

const char *classify_store(const struct location *location, struct span statement) {
    if (!location->inline_assembly) return location->site && is_store(statement) ? location->site : NULL;
    for (size_t i = 0; i < sizeof store_instructions / sizeof store_instructions[0]; i++)
        if (ends_with((struct span){object, object + strlen(object)}, store_instructions[i].object) &&
            starts_with_statement(statement, store_instructions[i].statement))
            return store_instructions[i].site;
    return NULL;
}
