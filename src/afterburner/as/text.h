/* Growing text, and spans of text that belongs to somebody else. Memory is never freed: the program handles one file. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

struct span {
    const char *start, *end;
};

struct text {
    char *bytes;
    size_t length, capacity;
};

/* Ends the program with a message when there is no memory. */
void append(struct text *text, const char *bytes, size_t length);
void append_string(struct text *text, const char *string);
void append_span(struct text *text, struct span span);

size_t span_length(struct span span);
int span_equal(struct span span, const char *string);
int span_starts_with(struct span span, const char *prefix);
/* Without blanks at either end. */
struct span trim(struct span span);
/* The first word: everything up to a blank, or one of the characters that end a word. */
struct span first_word(struct span span);
/* What follows `part`, a span at the start of `whole`. */
struct span rest_after(struct span whole, struct span part);

#endif
