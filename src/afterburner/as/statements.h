/* Cuts assembler text into statements, as GNU as does for i386: see statements.c. */
#ifndef STATEMENTS_H
#define STATEMENTS_H

#include "text.h"

struct statement {
    /* Without labels, comments and surrounding blanks; never empty. */
    struct span body;
    /* A label stands between the statement before and this one; `label` is the last that is neither local nor a
     * number, without its colon, or empty. */
    int labelled;
    struct span label;
};

/* Finds the next statement at or after `*cursor` and moves the cursor behind it; returns 0 at the end. */
int next_statement(const char **cursor, const char *end, struct statement *statement);

#endif
