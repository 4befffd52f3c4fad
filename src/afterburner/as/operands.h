/* Which class of sites a statement belongs to: see operands.c. */
#ifndef OPERANDS_H
#define OPERANDS_H

#include "text.h"

/* Name of the site macro for this statement, or null. A mnemonic that the prelude redefines is found only with
 * `redefined`, since the assembler will find it by itself. */
const char *classify(struct span statement, int redefined);

/* Whether the word is a prefix that may stand in front of an instruction, or alone. */
int is_prefix(struct span word);

/* The instruction that a list of byte constants encodes, or null; `list` is what follows .byte. */
const char *encoded_instruction(struct span list);

#endif
