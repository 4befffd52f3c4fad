/* Workload: a disk under a file system, as PostMark uses one: many small files are made, read, added to and deleted, and
   one large file is written and read as a stream; what is read has come from the disk, not from memory.

   Only a disk whose first megabyte is blank, or that was used for this before, is written to; of any other the first
   megabyte is read. At the end the file system's own blocks, which hold time stamps, are wiped: what is left on the disk is
   the same on every machine. Skipped without a disk. */
#include "ext2.h"

#define CHUNK 65536
#define PROBED (1u << 20)
#define FOLDERS 8
#define FILES_AT_MOST 400
#define SMALLEST 500
#define LARGEST 9780
#define MORE 2048
#define LARGEST_FILE_SYSTEM 4096 /* blocks */
#define SMALLEST_FILE_SYSTEM 1024
#define SYNCED 4 /* one file of so many is on the disk before the next is begun */
static const char SIGNATURE[] = "previrt scratch";
static const char PLACE[] = "/mnt";

static uint8_t buffer[CHUNK] __attribute__((aligned(4))), pattern[CHUNK] __attribute__((aligned(4)));
static struct {
  uint32_t seed, bytes; /* bytes 0: there is none */
} files[FILES_AT_MOST];
static uint32_t checksum = FOLD_START, random_state = 41, pool, made, deleted, read_back, added;
static const char *device;

static void say(const char *text) { write_bytes(2, text, strlen(text)); }

static int failed(const char *what)
{
  say("disk: cannot ");
  say(what);
  say("\n");
  return 0;
}

static uint32_t microseconds(void)
{
  uint32_t time[4]; /* seconds and nanoseconds, 64 bits each */
  call2(SYS_clock_gettime64, 1, time);
  return time[0] * 1000000u + time[2] / 1000;
}

/* A line that init prints when the workload has ended: what depends on time is no part of its output. */
static void figure(const char *name, uint32_t count, const char *unit, uint32_t since)
{
  uint32_t took = microseconds() - since;
  print_text("figure: disk ");
  print_text(name);
  print_text(" ");
  print_decimal(count);
  print_text(unit);
  print_text(" in ");
  print_decimal(took);
  print_text(" us: ");
  print_decimal(count * 10000 / (took / 100 ? took / 100 : 1));
  print_text(unit);
  print_text("/s\n");
}

static void fill(uint32_t seed, uint32_t bytes)
{
  for (uint32_t i = 0; i < bytes; i += 4)
    *(uint32_t *)(pattern + i) = next_random(&seed);
}

/* Makes the pattern of a stream that of its next chunk: each sector begins with the chunk's number. */
static void number(uint32_t chunk)
{
  for (uint32_t i = 0; i < CHUNK; i += 512)
    *(uint32_t *)(pattern + i) = chunk;
}

static const char *name_of(uint32_t n)
{
  static char name[] = "/mnt/d0/f000";
  name[6] = (char)('0' + n % FOLDERS);
  name[9] = (char)('0' + n / 100);
  name[10] = (char)('0' + n / 10 % 10);
  name[11] = (char)('0' + n % 10);
  return name;
}

static int make_file(uint32_t n)
{
  files[n].seed = next_random(&random_state);
  files[n].bytes = SMALLEST + next_random(&random_state) % (LARGEST - SMALLEST);
  fill(files[n].seed, files[n].bytes);
  long fd = open_file(name_of(n), O_CREAT | O_TRUNC | O_WRONLY);
  if (fd < 0 || write_bytes((int)fd, pattern, files[n].bytes) != (long)files[n].bytes)
    return failed("write a file");
  if (made++ % SYNCED == 0 && call1(SYS_fsync, fd) != 0)
    return failed("make a file safe");
  close_file((int)fd);
  return 1;
}

static int read_file(uint32_t n)
{
  long fd = open_file(name_of(n), O_RDONLY);
  if (fd < 0 || read_bytes((int)fd, buffer, CHUNK) != (long)files[n].bytes)
    return failed("read a file");
  close_file((int)fd);
  fill(files[n].seed, files[n].bytes);
  if (memcmp(buffer, pattern, files[n].bytes))
    return failed("find in a file what was written");
  checksum = fold_bytes(checksum, buffer, files[n].bytes);
  read_back++;
  return 1;
}

static int add_to_file(uint32_t n)
{
  uint32_t more = 1 + next_random(&random_state) % MORE, whole = files[n].bytes + more;
  fill(files[n].seed, whole);
  long fd = open_file(name_of(n), O_WRONLY);
  if (fd < 0 || call3(SYS_lseek, fd, files[n].bytes, 0) < 0 ||
      write_bytes((int)fd, pattern + files[n].bytes, more) != (long)more)
    return failed("add to a file");
  close_file((int)fd);
  files[n].bytes = whole;
  added++;
  return 1;
}

static int delete_file(uint32_t n)
{
  files[n].bytes = 0;
  deleted++;
  return call1(SYS_unlink, name_of(n)) == 0 || failed("delete a file");
}

/* One of PostMark's transactions: half of them reads and additions, half files that come and go. */
static int transact(void)
{
  uint32_t n = next_random(&random_state) % pool, kind = next_random(&random_state) % 4;
  if (!files[n].bytes)
    return make_file(n);
  return kind < 1 ? add_to_file(n) : kind < 2 ? delete_file(n) : read_file(n);
}

static int mount_disk(void)
{
  return call5(SYS_mount, device, PLACE, "ext2", 1024 /* MS_NOATIME */, 0) == 0 || failed("mount");
}

/* Nothing of it is in memory any more afterwards. */
static int mount_anew(void)
{
  return call2(SYS_umount2, PLACE, 0) == 0 ? mount_disk() : failed("unmount");
}

static int many_files(uint32_t transactions)
{
  static char folder[] = "/mnt/d0";
  uint32_t since = microseconds();
  for (uint32_t i = 0; i < FOLDERS; i++) {
    folder[6] = (char)('0' + i);
    if (call2(SYS_mkdir, folder, 0755) != 0)
      return failed("make a folder");
  }
  for (uint32_t n = 0; n < pool; n++)
    if (!make_file(n))
      return 0;
  for (uint32_t i = 0; i < transactions; i++)
    if (!transact())
      return 0;
  if (!mount_anew())
    return 0;
  for (uint32_t n = 0; n < pool; n++)
    if (files[n].bytes && (!read_file(n) || (n % 2 && !delete_file(n))))
      return 0;
  figure("files", made + deleted + read_back + added, " operations", since);
  return 1;
}

static int stream(uint32_t chunks)
{
  static const char name[] = "/mnt/stream";
  uint32_t since = microseconds();
  long fd = open_file(name, O_CREAT | O_WRONLY);
  fill(43, CHUNK);
  for (uint32_t n = 0; n < chunks; n++) {
    number(n);
    if (fd < 0 || write_bytes((int)fd, pattern, CHUNK) != CHUNK)
      return failed("write a stream");
  }
  if (call1(SYS_fsync, fd) != 0)
    return failed("make a stream safe");
  close_file((int)fd);
  figure("write", chunks * CHUNK / 1024, " KiB", since);
  if (!mount_anew())
    return 0;
  since = microseconds();
  fd = open_file(name, O_RDONLY);
  for (uint32_t n = 0; n < chunks; n++) {
    number(n);
    if (fd < 0 || read_bytes((int)fd, buffer, CHUNK) != CHUNK || memcmp(buffer, pattern, CHUNK))
      return failed("read a stream");
    checksum = fold(checksum, ((uint32_t *)buffer)[CHUNK / 4 - 1]);
  }
  close_file((int)fd);
  figure("read", chunks * CHUNK / 1024, " KiB", since);
  return 1;
}

static int all_zero(uint32_t bytes)
{
  for (uint32_t i = 0; i < bytes; i += 4)
    if (*(uint32_t *)(buffer + i))
      return 0;
  return 1;
}

/* Reads the first megabyte. Returns whether the disk may be written to. */
static int probe(int disk)
{
  int blank = 1, ours = 0;
  for (uint32_t done = 0; done < PROBED && !ours; done += CHUNK) {
    long got = read_bytes(disk, buffer, CHUNK);
    if (got <= 0)
      break;
    if (done == 0)
      ours = !memcmp(buffer, SIGNATURE, sizeof SIGNATURE - 1);
    blank = blank && all_zero((uint32_t)got);
    if (!ours)
      checksum = fold_bytes(checksum, buffer, (size_t)got);
  }
  return ours || blank;
}

static long open_disk(int flags)
{
  static const char *const names[] = {"/dev/sda", "/dev/vda"};
  for (size_t i = 0; i < 2; i++) {
    long disk = open_file(device = names[i], flags);
    if (disk >= 0)
      return disk;
  }
  return -1;
}

static int use(int disk, uint32_t blocks)
{
  checksum = FOLD_START;
  if (!make_ext2(disk, blocks))
    return failed("make a file system");
  if (!mount_disk() || !many_files(scaled(2 * pool)) || !stream(blocks / 4 * BLOCK_BYTES / CHUNK))
    return 0;
  if (call2(SYS_umount2, PLACE, 0) != 0)
    return failed("unmount");
  memcpy(ext2_block, SIGNATURE, sizeof SIGNATURE - 1);
  return (wipe_ext2(disk) && call1(SYS_fsync, disk) == 0) || failed("wipe the file system");
}

int run(void)
{
  uint32_t sectors = 0;
  long disk = open_disk(O_RDONLY);
  if (disk < 0) {
    say("disk: none in this machine\n");
    return STATUS_SKIPPED;
  }
  int scratch = probe((int)disk);
  call3(SYS_ioctl, disk, 0x1260, &sectors); /* BLKGETSIZE */
  close_file((int)disk);
  uint32_t blocks = sectors / (BLOCK_BYTES / 512);
  if (!scratch || blocks < SMALLEST_FILE_SYSTEM) {
    say(scratch ? "disk: smaller than 4 MiB, only read\n" : "disk: not blank, only read\n");
    return report(checksum);
  }
  if (blocks > LARGEST_FILE_SYSTEM)
    blocks = LARGEST_FILE_SYSTEM;
  pool = scaled(120) < 8 ? 8 : scaled(120) > FILES_AT_MOST ? FILES_AT_MOST : scaled(120);
  if (pool > blocks / 8)
    pool = blocks / 8;
  disk = open_disk(O_RDWR);
  if (disk < 0 || !use((int)disk, blocks))
    return 1;
  return report(checksum);
}
