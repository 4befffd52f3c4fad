/* Benchmark: a hash table with chains: insertion, search and removal of short text keys. */
#include "runtime/runtime.h"

#define BUCKETS 4096
#define ENTRIES 16384
struct entry {
  struct entry *next;
  uint32_t value;
  char key[12];
};

static struct entry entries[ENTRIES], *buckets[BUCKETS];

static void make_key(char *key, uint32_t number)
{
  for (int i = 0; i < 8; i++, number /= 26)
    key[i] = (char)('a' + number % 26);
  key[8] = 0;
}

static struct entry **find(const char *key)
{
  uint32_t hash = 5381;
  for (const char *at = key; *at; at++)
    hash = hash * 33 + (uint8_t)*at;
  struct entry **place = &buckets[hash % BUCKETS];
  while (*place && !text_equal((*place)->key, key))
    place = &(*place)->next;
  return place;
}

int run(void)
{
  uint32_t seed = 123, checksum = FOLD_START, used = 0;
  for (uint32_t n = scaled(700000); n; n--) {
    char key[12];
    uint32_t number = next_random(&seed) % (2 * ENTRIES);
    make_key(key, number * 2654435761u);
    struct entry **place = find(key);
    if (*place) {
      checksum = fold(checksum, (*place)->value++);
      if (number % 16 == 0)
        *place = (*place)->next;
    } else if (used < ENTRIES) {
      struct entry *entry = &entries[used++];
      memcpy(entry->key, key, sizeof key);
      entry->value = number;
      entry->next = 0;
      *place = entry;
    }
  }
  return report(fold(checksum, used));
}
