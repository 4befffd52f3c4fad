/* Benchmark: CRC-32 (ISO 3309), one byte at a time over a table that the program makes. */
#include "runtime/runtime.h"

int run(void)
{
  static uint32_t table[256];
  static uint8_t data[65536];
  uint32_t seed = 29, crc = 0xffffffffu;
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; bit++)
      value = value & 1 ? 0xedb88320u ^ (value >> 1) : value >> 1;
    table[i] = value;
  }
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)next_random(&seed);
  for (uint32_t n = scaled(700); n; n--)
    for (size_t i = 0; i < sizeof data; i++)
      crc = table[(crc ^ data[i]) & 0xff] ^ (crc >> 8);
  return report(crc);
}
