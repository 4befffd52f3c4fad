/* Benchmark: loops over bytes: length, search, translation by a table, comparison. */
#include "runtime/runtime.h"

int run(void)
{
  static char text[32768], copy[32768];
  static uint8_t upper[256];
  uint32_t seed = 13, checksum = FOLD_START;
  for (size_t i = 0; i < sizeof text - 1; i++)
    text[i] = (char)('a' + next_random(&seed) % 26);
  for (uint32_t i = 0; i < 256; i++)
    upper[i] = (uint8_t)(i >= 'a' && i <= 'z' ? i - 32 : i);
  for (uint32_t n = scaled(400); n; n--) {
    size_t length = strlen(text), vowels = 0;
    for (size_t i = 0; i < length; i++) {
      char c = text[i];
      vowels += c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
      copy[i] = (char)upper[(uint8_t)c];
    }
    text[n % length] = copy[n % length] == 'Z' ? 'a' : (char)(text[n % length] + 1);
    checksum = fold(checksum, (uint32_t)vowels + (uint32_t)memcmp(copy, text, length));
  }
  return report(fold_bytes(checksum, copy, 256));
}
