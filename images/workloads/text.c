/* Tool of the shell workloads: `text KIND LINES` writes the text that they work on, the same on every machine, in large
   blocks: what is measured is to be their work on it. */
#include "runtime/runtime.h"

#define BLOCK 32768u
#define LONGEST_LINE 64u

static char block[BLOCK];
static uint32_t filled;

static void put_text(const char *text)
{
  size_t bytes = strlen(text);
  memcpy(block + filled, text, bytes);
  filled += bytes;
}
static void put_number(uint32_t value)
{
  char digits[10];
  uint32_t count = 0;
  do {
    digits[count++] = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  while (count)
    block[filled++] = digits[--count];
}
static int flush(void)
{
  for (uint32_t from = 0; from < filled;) {
    long written = write_bytes(1, block + from, filled - from);
    if (written <= 0)
      return 0;
    from += (uint32_t)written;
  }
  filled = 0;
  return 1;
}

int run(void)
{
  if (!program_arguments[1] || !program_arguments[2])
    return 2;
  const char *kind = program_arguments[1];
  uint32_t lines = parse_number(program_arguments[2]), x = 0;
  for (uint32_t i = 1; i <= lines; i++) {
    x = (x * 1103 + i * 12345 + 17) % 65536;
    if (text_equal(kind, "keys")) { /* a number in no order, and the line's own */
      put_number(x);
      put_text(" line");
      put_number(i);
    } else if (text_equal(kind, "prose")) {
      put_number(i * i);
      put_text(" quick brown fox ");
      put_number(i % 97);
    } else { /* fields with names */
      put_number(i);
      put_text(" key");
      put_number(x % 100);
      put_text(" value");
      put_number(x);
    }
    put_text("\n");
    if (filled > BLOCK - LONGEST_LINE && !flush())
      return 1;
  }
  return flush() ? 0 : 1;
}
