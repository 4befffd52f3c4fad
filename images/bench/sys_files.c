/* Benchmark: files in memory: create, write, read back, look up, remove. */
#include "runtime/runtime.h"

int run(void)
{
  static uint8_t buffer[3000];
  uint32_t checksum = FOLD_START;
  char path[] = "/tmp/file-00";
  for (uint32_t n = scaled(2000); n; n--) {
    path[10] = (char)('0' + n / 10 % 10);
    path[11] = (char)('0' + n % 10);
    long fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC);
    memset(buffer, (int)n, sizeof buffer);
    if (fd < 0 || write_bytes((int)fd, buffer, sizeof buffer) != (long)sizeof buffer)
      return 1;
    call3(SYS_lseek, fd, 1000, 0);
    long got = read_bytes((int)fd, buffer, sizeof buffer);
    close_file((int)fd);
    checksum = fold(checksum, (uint32_t)got + buffer[5]);
    if (n % 3 == 0 && call1(SYS_unlink, path) != 0)
      return 1;
  }
  return report(checksum);
}
