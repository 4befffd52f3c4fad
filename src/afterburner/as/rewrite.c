/* Marks the sensitive instructions that a macro in place of their mnemonic cannot catch: moves, pushes and pops of
 * control, debug and segment registers, instructions behind a prefix, instructions written as bytes, and STI with the
 * instruction in its shadow. Everything else stays as it is, byte for byte and line for line.
 *
 * Text in quotes is an argument of a macro (an alternative's instructions) and is rewritten too.
 */
#include "rewrite.h"

#include <string.h>

#include "locations.h"
#include "operands.h"
#include "profile.h"
#include "statements.h"

struct state {
    struct text *out;
    /* Everything before this is in `out`. */
    const char *copied;
    /* Whether bytes in this section are code, in the section before it, and two bits for each .pushsection. */
    int code, previous_code;
    unsigned stack;
    struct location location;
};

static void copy_to(struct state *state, const char *position) {
    append(state->out, state->copied, (size_t)(position - state->copied));
    state->copied = position;
}

static void replace(struct state *state, struct span old, const char *site, struct span instruction) {
    copy_to(state, old.start);
    append_string(state->out, "afterburn_");
    append_string(state->out, site);
    append_string(state->out, " ");
    append_span(state->out, instruction);
    state->copied = old.end;
}

static int is_code_section(struct span arguments) {
    const char *flags = memchr(arguments.start, ',', span_length(arguments));
    struct span name = {arguments.start, flags ? flags : arguments.end};
    if (flags && memchr(flags, '"', (size_t)(arguments.end - flags)))
        return memchr(flags, 'x', (size_t)(arguments.end - flags)) != NULL;
    for (const char *p = name.start; p + 4 <= name.end; p++)
        if (memcmp(p, "text", 4) == 0) return 1;
    return 0;
}

/* The instruction that the statement is, even if it is written as bytes. */
static struct span instruction_of(const struct state *state, struct span body) {
    struct span word = first_word(body);
    if (!span_equal(word, ".byte") || !state->code) return body;
    const char *instruction = encoded_instruction(rest_after(body, word));
    return instruction ? (struct span){instruction, instruction + strlen(instruction)} : body;
}

static int waits_in_shadow(struct span instruction) {
    struct span word = first_word(instruction);
    return span_equal(word, "hlt") || span_equal(word, "mwait") || span_equal(word, "sysexit");
}

/* Looks at the statement after `cursor`; returns 0 when a label lies between, or when there is none. */
static int peek(const char *cursor, const char *end, struct statement *next) {
    return next_statement(&cursor, end, next) && !next->labelled;
}

static void rewrite_part(struct state *state, const char *end);

static void rewrite_strings(struct state *state, struct span body) {
    for (const char *p = body.start; p < body.end; p++) {
        if (*p != '"') continue;
        const char *close = memchr(p + 1, '"', (size_t)(body.end - p - 1));
        if (!close) return;
        struct state inner = {.out = state->out, .copied = p + 1, .code = 1, .previous_code = 1};
        copy_to(state, p + 1);
        rewrite_part(&inner, close);
        state->copied = close;
        p = close;
    }
}

static void enter_section(struct state *state, int code) {
    state->previous_code = state->code;
    state->code = code;
}

static void handle_directive(struct state *state, struct span word, struct span body) {
    struct span arguments = rest_after(body, word);
    if (span_equal(word, ".text")) enter_section(state, 1);
    if (span_equal(word, ".data") || span_equal(word, ".bss")) enter_section(state, 0);
    if (span_equal(word, ".section")) enter_section(state, is_code_section(arguments));
    if (span_equal(word, ".previous")) enter_section(state, state->previous_code);
    if (span_equal(word, ".pushsection")) {
        state->stack = state->stack << 2 | (unsigned)state->previous_code << 1 | (unsigned)state->code;
        enter_section(state, is_code_section(arguments));
    }
    if (span_equal(word, ".popsection")) {
        state->code = state->stack & 1;
        state->previous_code = state->stack >> 1 & 1;
        state->stack >>= 2;
    }
    if (span_equal(word, ".code16") || span_equal(word, ".code16gcc") || span_equal(word, ".code64")) {
        copy_to(state, body.end);
        append_string(state->out, "; .set .Lafterburn_off, 1");
    } else if (span_equal(word, ".code32")) {
        copy_to(state, body.end);
        append_string(state->out, "; .set .Lafterburn_off, 0");
    }
}

static void rewrite_part(struct state *state, const char *end) {
    const char *cursor = state->copied, *behind = cursor;
    struct statement statement, next;
    for (; next_statement(&cursor, end, &statement); behind = cursor) {
        follow_comments(&state->location, (struct span){behind, statement.body.start});
        struct span body = statement.body, instruction = instruction_of(state, body), word = first_word(instruction);
        if (*word.start == '.') {
            handle_directive(state, word, body);
            continue;
        }
        int has_next = peek(cursor, end, &next);
        struct span following = has_next ? instruction_of(state, next.body) : body;
        if (has_next && span_equal(instruction, "sti") && waits_in_shadow(following)) {
            replace(state, body, "sti_wait", following);
        } else if (has_next && is_prefix(word) && rest_after(body, word).start == body.end && classify(following, 1)) {
            copy_to(state, body.start);
            append_string(state->out, "afterburn_prefixed_");
            append_string(state->out, classify(following, 1));
            append_string(state->out, " ");
            append_span(state->out, word);
            append_string(state->out, ", ");
            append_span(state->out, following);
            state->copied = body.end;
        } else {
            const char *site = classify(instruction, instruction.start != body.start);
            if (!site) site = classify_store(&state->location, body);
            if (!site && is_profiled_store(body.start)) site = "profiled_store";
            if (site) {
                replace(state, body, site, instruction);
            } else {
                rewrite_strings(state, body);
            }
            continue;
        }
        /* Two statements have become one: the second leaves its place empty. */
        copy_to(state, next.body.start);
        state->copied = cursor = next.body.end;
    }
    copy_to(state, end);
}

void rewrite(struct text *out, struct span source) {
    find_profiled_stores(source.start, source.end);
    struct state state = {.out = out, .copied = source.start, .code = 1, .previous_code = 1};
    rewrite_part(&state, source.end);
}
