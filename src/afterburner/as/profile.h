/* Stores that a run of the guest has shown to hit a table: see profile.c. */
#ifndef PROFILE_H
#define PROFILE_H

#include "text.h"

/* Reads the profile that lies beside the program, if there is one. */
void read_profile(void);

/* Finds the profiled stores in a source that is about to be rewritten; `end` is exclusive. */
void find_profiled_stores(const char *start, const char *end);

/* Whether the statement at this place is one of them. */
int is_profiled_store(const char *statement);

#endif
