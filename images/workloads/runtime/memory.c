/* Memory and text routines. Plain loops: what the compiler makes of them is the work that the programs
   measure, so nothing here is hand-tuned. Built without loop idiom recognition, which would turn
   memset's loop into a call of memset. */
#include "runtime.h"

void *memcpy(void *to, const void *from, size_t bytes)
{
  uint8_t *t = to;
  const uint8_t *f = from;
  for (; bytes >= 4; bytes -= 4, t += 4, f += 4)
    *(uint32_t *)t = *(const uint32_t *)f;
  while (bytes--)
    *t++ = *f++;
  return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
  uint8_t *t = to;
  const uint8_t *f = from;
  if (t <= f || t >= f + bytes)
    return memcpy(to, from, bytes);
  while (bytes--)
    t[bytes] = f[bytes];
  return to;
}

void *memset(void *to, int byte, size_t bytes)
{
  uint8_t *t = to;
  uint32_t word = (uint8_t)byte * 0x01010101u;
  for (; bytes >= 4; bytes -= 4, t += 4)
    *(uint32_t *)t = word;
  while (bytes--)
    *t++ = (uint8_t)byte;
  return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
  const uint8_t *p = a, *q = b;
  for (; bytes; bytes--, p++, q++)
    if (*p != *q)
      return *p - *q;
  return 0;
}

size_t strlen(const char *text)
{
  const char *end = text;
  while (*end)
    end++;
  return (size_t)(end - text);
}

int text_equal(const char *a, const char *b)
{
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

uint32_t parse_number(const char *text)
{
  uint32_t value = 0;
  while (*text >= '0' && *text <= '9')
    value = value * 10 + (uint32_t)(*text++ - '0');
  return value;
}

uint32_t fold_bytes(uint32_t checksum, const void *from, size_t bytes)
{
  const uint8_t *f = from;
  while (bytes--)
    checksum = fold(checksum, *f++);
  return checksum;
}
