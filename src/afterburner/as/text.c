/* Growing text and spans: see text.h. */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void append(struct text *text, const char *bytes, size_t length) {
    if (text->length + length + 1 > text->capacity) {
        text->capacity = (text->length + length + 1) * 2;
        text->bytes = realloc(text->bytes, text->capacity);
        if (!text->bytes) {
            fputs("afterburner: out of memory\n", stderr);
            exit(1);
        }
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = 0;
}

void append_string(struct text *text, const char *string) { append(text, string, strlen(string)); }

void append_span(struct text *text, struct span span) { append(text, span.start, span_length(span)); }

size_t span_length(struct span span) { return (size_t)(span.end - span.start); }

int span_equal(struct span span, const char *string) {
    size_t length = strlen(string);
    return span_length(span) == length && memcmp(span.start, string, length) == 0;
}

int span_starts_with(struct span span, const char *prefix) {
    size_t length = strlen(prefix);
    return span_length(span) >= length && memcmp(span.start, prefix, length) == 0;
}

static int is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f'; }

struct span trim(struct span span) {
    while (span.start < span.end && is_blank(*span.start)) span.start++;
    while (span.end > span.start && is_blank(span.end[-1])) span.end--;
    return span;
}

struct span first_word(struct span span) {
    struct span word = {span.start, span.start};
    while (word.end < span.end && !is_blank(*word.end) && !strchr(",(){}\"'*%$", *word.end)) word.end++;
    return word;
}

struct span rest_after(struct span whole, struct span part) {
    return trim((struct span){part.end, whole.end});
}
