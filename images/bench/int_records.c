/* Benchmark: records, short strings, small procedures and branches in the proportions of Dhrystone
   (Weicker, CACM 27(10), 1984); the program itself is ours. */
#include "runtime/runtime.h"

struct record {
  struct record *next;
  int kind, component;
  char name[32];
};

static struct record pool[2];
static int global_number, table[50], matrix[50][50];
static char global_first, global_second;

__attribute__((noinline)) static int classify(char a, char b)
{
  char copy = a;
  if (copy != b)
    return 0;
  global_first = copy;
  return 1;
}

__attribute__((noinline)) static int compare_names(const char *a, const char *b)
{
  int at = 2;
  while (at <= 2)
    if (classify(a[at], b[at + 1]) == 0)
      at++;
  const uint8_t *p = (const uint8_t *)a, *q = (const uint8_t *)b;
  while (*p && *p == *q)
    p++, q++;
  return *p > *q ? (global_number = at + 7, 1) : 0;
}

__attribute__((noinline)) static void fill_tables(int row, int value)
{
  int at = row + 5;
  table[at] = value;
  table[at + 1] = table[at];
  table[at + 30] = at;
  for (int i = at; i <= at + 1; i++)
    matrix[at][i] = at;
  matrix[at][at - 1]++;
  matrix[at + 20][at] = table[at];
  global_number = 5;
}

__attribute__((noinline)) static void update(struct record *from)
{
  struct record *next = from->next;
  *next = *from;
  next->next = from;
  from->component = 5;
  next->component = from->component + global_number;
  if (next->kind == 0)
    next->kind = from->kind ^ 1;
  else
    next->name[3] = (char)('A' + global_number % 26);
}

int run(void)
{
  uint32_t checksum = FOLD_START;
  char first[32] = "PROGRAM OF SHORT STRINGS, 1ST", second[32];
  pool[0] = (struct record){&pool[1], 1, 40, "PROGRAM OF SHORT STRINGS, SOME"};
  pool[1] = (struct record){&pool[0], 0, 10, ""};
  for (uint32_t n = 1, rounds = scaled(900000); n <= rounds; n++) {
    int one = 2, two = 3, three;
    memcpy(second, "PROGRAM OF SHORT STRINGS, 2ND", 30);
    global_second = 'B';
    three = compare_names(first, second) ? 4 : 5 * one - two;
    fill_tables(one + (int)(n & 7), three + (int)n);
    update(&pool[n & 1]);
    for (char c = 'A'; c <= global_second; c++)
      if (classify(c, 'C'))
        three++;
    two = two * one;
    one = two / (three ? three : 1);
    two = 7 * (two - three) - one;
    first[28] = (char)('A' + two % 13 + 13);
    checksum = fold(checksum, (uint32_t)(one + two + pool[0].component));
  }
  return report(fold_bytes(checksum, matrix, sizeof matrix));
}
