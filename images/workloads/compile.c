/* Workload: a small compiler. Source text of a toy language (assignments, + - * & ^ and parentheses over
   26 variables) is generated, scanned, parsed by precedence climbing into a tree, folded, turned into i386
   code, and run. An interpreter of the same tree must agree. */
#include "runtime/runtime.h"

enum { NUMBER, VARIABLE, ADD, SUBTRACT, MULTIPLY, AND, XOR };
struct node {
  int kind;
  uint32_t value; /* of NUMBER, or the index of VARIABLE */
  struct node *left, *right;
};

static struct node nodes[512];
static uint32_t node_count, seed = 2463534242u, variables[26], expected[26];
static char source[2048];
static const char *at;
static uint8_t *code, *emit;

static void generate(char **to, int depth)
{
  uint32_t choice = next_random(&seed);
  if (depth == 0 || choice % 8 == 0) {
    if (choice & 64) {
      *(*to)++ = (char)('a' + choice / 128 % 26);
    } else {
      *(*to)++ = (char)('1' + choice / 128 % 9);
      *(*to)++ = (char)('0' + choice / 2048 % 10);
    }
    return;
  }
  int parenthesised = choice / 16 % 2 == 0;
  if (parenthesised)
    *(*to)++ = '(';
  generate(to, depth - 1);
  *(*to)++ = "+-*&^"[choice / 32 % 5];
  generate(to, depth - 1);
  if (parenthesised)
    *(*to)++ = ')';
}

static struct node *make_node(int kind, uint32_t value, struct node *left, struct node *right)
{
  struct node *n = &nodes[node_count++];
  *n = (struct node){kind, value, left, right};
  return n;
}

static uint32_t apply(int kind, uint32_t a, uint32_t b)
{
  switch (kind) {
  case ADD: return a + b;
  case SUBTRACT: return a - b;
  case MULTIPLY: return a * b;
  case AND: return a & b;
  default: return a ^ b;
  }
}

static struct node *parse(int minimum)
{
  static const char operators[] = "^&+-*";
  static const int kinds[] = {XOR, AND, ADD, SUBTRACT, MULTIPLY}, precedence[] = {1, 2, 3, 3, 4};
  struct node *left;
  if (*at == '(') {
    at++;
    left = parse(1);
    at++;
  } else if (*at >= 'a') {
    left = make_node(VARIABLE, (uint32_t)(*at++ - 'a'), 0, 0);
  } else {
    left = make_node(NUMBER, parse_number(at), 0, 0);
    while (*at >= '0' && *at <= '9')
      at++;
  }
  for (;;) {
    int which = 0;
    while (which < 5 && operators[which] != *at)
      which++;
    if (which == 5 || precedence[which] < minimum)
      return left;
    at++;
    struct node *right = parse(precedence[which] + 1);
    if (left->kind == NUMBER && right->kind == NUMBER) /* fold constants */
      left = make_node(NUMBER, apply(kinds[which], left->value, right->value), 0, 0);
    else
      left = make_node(kinds[which], 0, left, right);
  }
}

static uint32_t interpret(const struct node *n)
{
  if (n->kind == NUMBER)
    return n->value;
  if (n->kind == VARIABLE)
    return expected[n->value];
  return apply(n->kind, interpret(n->left), interpret(n->right));
}

static void emit_bytes(const char *bytes, size_t count, uint32_t operand, size_t operand_bytes)
{
  memcpy(emit, bytes, count);
  memcpy(emit + count, &operand, operand_bytes);
  emit += count + operand_bytes;
}

/* Leaves the value in EAX. */
static void compile(const struct node *n)
{
  if (n->kind == NUMBER) {
    emit_bytes("\xb8", 1, n->value, 4); /* mov $n,%eax */
  } else if (n->kind == VARIABLE) {
    emit_bytes("\xa1", 1, (uint32_t)&variables[n->value], 4); /* mov variable,%eax */
  } else {
    compile(n->left);
    emit_bytes("\x50", 1, 0, 0); /* push %eax */
    compile(n->right);
    emit_bytes("\x89\xc1\x58", 3, 0, 0); /* mov %eax,%ecx; pop %eax */
    switch (n->kind) {
    case ADD: emit_bytes("\x01\xc8", 2, 0, 0); break;
    case SUBTRACT: emit_bytes("\x29\xc8", 2, 0, 0); break;
    case MULTIPLY: emit_bytes("\x0f\xaf\xc1", 3, 0, 0); break;
    case AND: emit_bytes("\x21\xc8", 2, 0, 0); break;
    default: emit_bytes("\x31\xc8", 2, 0, 0); break;
    }
  }
}

int run(void)
{
  uint32_t checksum = FOLD_START;
  code = map_pages(4 * PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC);
  for (uint32_t i = 0; i < 26; i++)
    variables[i] = expected[i] = i * 0x01234567u + 1;
  for (uint32_t n = scaled(1500); n; n--) {
    char *end = source;
    generate(&end, 6);
    *end = 0;
    uint32_t target = next_random(&seed) % 26;
    node_count = 0;
    at = source;
    struct node *tree = parse(1);
    emit = code;
    compile(tree);
    emit_bytes("\xa3", 1, (uint32_t)&variables[target], 4); /* mov %eax,variable */
    emit_bytes("\xc3", 1, 0, 0);
    expected[target] = interpret(tree);
    ((void (*)(void))code)();
    if (variables[target] != expected[target])
      return 1;
    checksum = fold(fold(checksum, variables[target]), (uint32_t)(emit - code));
  }
  return report(checksum);
}
