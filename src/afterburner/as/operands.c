/* Which class of sites a statement belongs to, by its mnemonic, its operands or its bytes.
 *
 * The tables are generated from the class table (tables.h); operands are in AT&T order, the source first.
 */
#include "operands.h"

#include <stdlib.h>
#include <string.h>

#include "tables.h"

static int is_register_of(struct span operand, enum register_kind kind) {
    static const char *const segments[] = {"%cs", "%ds", "%es", "%fs", "%gs", "%ss"};
    size_t length = span_length(operand);
    if (kind == SEGMENT_REGISTER) {
        for (size_t i = 0; i < sizeof segments / sizeof segments[0]; i++)
            if (span_equal(operand, segments[i])) return 1;
        return 0;
    }
    if (length != 4 || operand.start[3] < '0' || operand.start[3] > '9') return 0;
    if (kind == CONTROL_REGISTER) return span_starts_with(operand, "%cr");
    return span_starts_with(operand, "%db") || span_starts_with(operand, "%dr");
}

/* Splits at the comma outside parentheses; a single operand is source and destination. */
static void split_operands(struct span operands, struct span *from, struct span *to) {
    int depth = 0;
    *from = *to = operands;
    for (const char *p = operands.start; p < operands.end; p++) {
        if (*p == '(') depth++;
        if (*p == ')') depth--;
        if (*p != ',' || depth != 0) continue;
        *from = trim((struct span){operands.start, p});
        *to = trim((struct span){p + 1, operands.end});
        return;
    }
}

static const char *classify_by_operands(struct span word, struct span operands) {
    struct span from, to;
    split_operands(operands, &from, &to);
    for (size_t i = 0; i < sizeof operand_rules / sizeof operand_rules[0]; i++) {
        const struct operand_rule *rule = &operand_rules[i];
        if (span_equal(word, rule->spelling) && is_register_of(rule->is_source ? from : to, rule->kind)) return rule->site;
    }
    return NULL;
}

int is_prefix(struct span word) {
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (span_equal(word, prefixes[i])) return 1;
    return 0;
}

const char *classify(struct span statement, int redefined) {
    struct span word = first_word(statement);
    int prefixed = 0;
    while (is_prefix(word)) {
        statement = rest_after(statement, word);
        word = first_word(statement);
        prefixed = 1;
    }
    if (prefixed || redefined)
        for (size_t i = 0; i < sizeof mnemonics / sizeof mnemonics[0]; i++)
            if (span_equal(word, mnemonics[i].spelling)) return mnemonics[i].site;
    return classify_by_operands(word, rest_after(statement, word));
}

const char *encoded_instruction(struct span list) {
    unsigned char bytes[8];
    size_t count = 0;
    while (list.start < list.end) {
        char *after;
        unsigned long value = strtoul(list.start, &after, 0);
        if (after == list.start || after > list.end || value > 255 || count == sizeof bytes) return NULL;
        bytes[count++] = (unsigned char)value;
        list = trim((struct span){after, list.end});
        if (list.start == list.end) break;
        if (*list.start != ',') return NULL;
        list = trim((struct span){list.start + 1, list.end});
    }
    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++)
        if (encodings[i].count == count && memcmp(encodings[i].bytes, bytes, count) == 0) return encodings[i].instruction;
    return NULL;
}
