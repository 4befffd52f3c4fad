/* Workload: a disk, through the kernel's block layer: reads its first megabyte; on a disk whose first
   sector begins with "previrt scratch" it also writes 256 KiB behind that, flushes, and reads them back.
   Skipped without a disk. */
#include "runtime/runtime.h"

#define CHUNK 65536
static uint8_t buffer[CHUNK], pattern[CHUNK];

int run(void)
{
  static const char *const names[] = {"/dev/sda", "/dev/vda"};
  uint32_t checksum = FOLD_START, seed = 41, chunks = 16;
  long disk = -1;
  for (size_t i = 0; i < 2 && disk < 0; i++)
    if ((disk = open_file(names[i], O_RDWR)) < 0)
      disk = open_file(names[i], O_RDONLY);
  if (disk < 0)
    return STATUS_SKIPPED;
  int scratch = 0;
  for (uint32_t n = 0; n < chunks; n++) {
    long got = read_bytes((int)disk, buffer, CHUNK);
    if (got <= 0)
      break;
    if (n == 0)
      scratch = !memcmp(buffer, "previrt scratch", 15);
    checksum = fold_bytes(checksum, buffer, (size_t)got);
  }
  if (!scratch)
    return report(checksum);
  for (uint32_t i = 0; i < CHUNK; i += 4) {
    uint32_t word = next_random(&seed);
    memcpy(pattern + i, &word, 4);
  }
  call3(SYS_lseek, disk, 1048576, 0);
  for (int n = 0; n < 4; n++)
    if (write_bytes((int)disk, pattern, CHUNK) != CHUNK)
      return 1;
  if (call1(SYS_fsync, disk) != 0)
    return 1;
  call3(SYS_ioctl, disk, 0x1261, 0); /* BLKFLSBUF: forget what is cached */
  call3(SYS_lseek, disk, 1048576, 0);
  for (int n = 0; n < 4; n++) {
    if (read_bytes((int)disk, buffer, CHUNK) != CHUNK || memcmp(buffer, pattern, CHUNK))
      return 1;
    checksum = fold_bytes(checksum, buffer, CHUNK);
  }
  return report(checksum);
}
