/* Cuts assembler text into statements, as GNU as does for i386 (manual "Using as", chapter 3: syntax).
 *
 * A statement ends at a newline or a semicolon; # starts a comment, and slash-star comments and strings may hold
 * either. Labels are stepped over. What a macro expands to is not seen here: the prelude's macros deal with that.
 */
#include "statements.h"

#include <string.h>

static const char *skip_comment(const char *p, const char *end) {
    for (p += 2; p + 1 < end; p++)
        if (p[0] == '*' && p[1] == '/') return p + 2;
    return end;
}

static const char *skip_string(const char *p, const char *end) {
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\' && p + 1 < end) p++;
    return p < end ? p + 1 : end;
}

static int starts_comment(const char *p, const char *end) { return p + 1 < end && p[0] == '/' && p[1] == '*'; }

static const char *skip_line_comment(const char *p, const char *end) {
    while (p < end && *p != '\n') p++;
    return p;
}

/* Steps over blanks, separators and comments in front of a statement. */
static const char *skip_gap(const char *p, const char *end) {
    while (p < end) {
        if (strchr(" \t\r\f\n;", *p)) {
            p++;
        } else if (*p == '#') {
            p = skip_line_comment(p, end);
        } else if (starts_comment(p, end)) {
            p = skip_comment(p, end);
        } else {
            break;
        }
    }
    return p;
}

static int is_symbol_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("_.$\\@()", c));
}

/* The end of a label at `p`, colon included; null when there is none. */
static const char *label_end(const char *p, const char *end) {
    const char *q = p;
    while (q < end && is_symbol_character(*q)) q++;
    if (q == p) return NULL;
    while (q < end && (*q == ' ' || *q == '\t')) q++;
    return q < end && *q == ':' ? q + 1 : NULL;
}

/* The first character behind the statement at `p`: separator, comment or end of the text. */
static const char *statement_end(const char *p, const char *end) {
    while (p < end && *p != '\n' && *p != ';' && *p != '#') {
        if (*p == '"') {
            p = skip_string(p, end);
        } else if (*p == '\'' && p + 1 < end) {
            p += p[1] == '\\' && p + 2 < end ? 3 : 2;
        } else if (starts_comment(p, end)) {
            return p;
        } else {
            p++;
        }
    }
    return p < end ? p : end;
}

int next_statement(const char **cursor, const char *end, struct statement *statement) {
    const char *p = skip_gap(*cursor, end), *label;
    statement->labelled = 0;
    statement->label = (struct span){p, p};
    while (p < end && (label = label_end(p, end)) != NULL) {
        statement->labelled = 1;
        if (*p != '.' && (*p < '0' || *p > '9')) statement->label = trim((struct span){p, label - 1});
        p = skip_gap(label, end);
    }
    if (p >= end) {
        *cursor = end;
        return 0;
    }
    const char *after = statement_end(p, end);
    statement->body = trim((struct span){p, after});
    *cursor = after;
    return 1;
}
