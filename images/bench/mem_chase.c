/* Benchmark: a chain of pointers through 4 MiB in random order: every load depends on the one before. */
#include "runtime/runtime.h"

#define NODES 65536
struct node {
  struct node *next;
  uint32_t value;
  uint32_t room[14];
};

int run(void)
{
  struct node *nodes = map_pages(NODES * sizeof(struct node), PROT_READ | PROT_WRITE);
  uint32_t *order = map_pages(NODES * 4, PROT_READ | PROT_WRITE), seed = 19, checksum = FOLD_START;
  for (uint32_t i = 0; i < NODES; i++)
    order[i] = i;
  for (uint32_t i = NODES - 1; i; i--) {
    uint32_t other = next_random(&seed) % (i + 1), kept = order[i];
    order[i] = order[other];
    order[other] = kept;
  }
  for (uint32_t i = 0; i < NODES; i++) {
    nodes[order[i]].next = &nodes[order[(i + 1) % NODES]];
    nodes[order[i]].value = i;
  }
  const struct node *at = nodes;
  for (uint32_t n = scaled(5000000); n; n--) {
    checksum += at->value ^ n;
    at = at->next;
  }
  return report(checksum);
}
