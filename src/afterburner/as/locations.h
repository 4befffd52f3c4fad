/* Stores that are sensitive because of the source line they come from: see locations.c. */
#ifndef LOCATIONS_H
#define LOCATIONS_H

#include "text.h"

struct location {
    /* Site macro for stores of the current source line, or null. */
    const char *site;
    /* Between #APP and #NO_APP, where the text is the programmer's and not the compiler's. */
    int inline_assembly;
};

/* Path of the object file that is made; decides which instructions of inline assembly count. */
void set_object(const char *path);

/* Reads the comments between two statements. */
void follow_comments(struct location *location, struct span gap);

/* Site macro for a statement that is a sensitive store at this location, or null. */
const char *classify_store(const struct location *location, struct span statement);

#endif
