/* Marks the sensitive instructions that a macro cannot catch: see rewrite.c. */
#ifndef REWRITE_H
#define REWRITE_H

#include "text.h"

/* Appends `source` to `out`, line for line, with the marks. */
void rewrite(struct text *out, struct span source);

#endif
