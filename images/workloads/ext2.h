/* Makes an ext2 file system (revision 0, blocks of 4 KiB, one group) with an empty root folder, without a clock or random
   numbers: the same bytes every time. Source: the kernel's Documentation/filesystems/ext2.rst and fs/ext2/ext2.h. */
#ifndef PREVIRT_EXT2_H
#define PREVIRT_EXT2_H

#include "runtime/runtime.h"

#define BLOCK_BYTES 4096u
#define INODES 1024u
#define INODE_BYTES 128u
#define RESERVED_INODES 10u
#define BLOCK_BITMAP 2u
#define INODE_BITMAP 3u
#define INODE_TABLE 4u
#define ROOT_BLOCK (INODE_TABLE + INODES * INODE_BYTES / BLOCK_BYTES)

static uint8_t ext2_block[BLOCK_BYTES];

static void put16(uint32_t at, uint32_t value) { memcpy(ext2_block + at, &value, 2); }
static void put32(uint32_t at, uint32_t value) { memcpy(ext2_block + at, &value, 4); }

static int write_block(int disk, uint32_t block)
{
  call3(SYS_lseek, disk, block * BLOCK_BYTES, 0);
  long wrote = write_bytes(disk, ext2_block, BLOCK_BYTES);
  memset(ext2_block, 0, BLOCK_BYTES);
  return wrote == (long)BLOCK_BYTES;
}

/* The first `used` bits are set, and those from `count` on, which stand for nothing. */
static void put_bitmap(uint32_t used, uint32_t count)
{
  for (uint32_t bit = 0; bit < BLOCK_BYTES * 8; bit++)
    if (bit < used || bit >= count)
      ext2_block[bit / 8] |= (uint8_t)(1 << bit % 8);
}

/* At most 32768 blocks. Returns 1, or 0 when the disk did not take it. */
static int make_ext2(int disk, uint32_t blocks)
{
  const uint32_t used = ROOT_BLOCK + 1, super = 1024;
  memset(ext2_block, 0, BLOCK_BYTES);
  put32(super + 0, INODES);
  put32(super + 4, blocks);
  put32(super + 12, blocks - used);
  put32(super + 16, INODES - RESERVED_INODES);
  put32(super + 24, 2); /* blocks of 1024 << 2 */
  put32(super + 28, 2);
  put32(super + 32, 32768);
  put32(super + 36, 32768);
  put32(super + 40, INODES);
  put16(super + 54, 0xffff);
  put16(super + 56, 0xef53);
  put16(super + 58, 1); /* clean */
  put16(super + 60, 1);
  if (!write_block(disk, 0))
    return 0;
  put32(0, BLOCK_BITMAP);
  put32(4, INODE_BITMAP);
  put32(8, INODE_TABLE);
  put16(12, blocks - used);
  put16(14, INODES - RESERVED_INODES);
  put16(16, 1);
  if (!write_block(disk, 1))
    return 0;
  put_bitmap(used, blocks);
  if (!write_block(disk, BLOCK_BITMAP))
    return 0;
  put_bitmap(RESERVED_INODES, INODES);
  if (!write_block(disk, INODE_BITMAP))
    return 0;
  for (uint32_t block = INODE_TABLE; block < ROOT_BLOCK; block++) {
    if (block == INODE_TABLE) {
      const uint32_t root = INODE_BYTES; /* inode 2 */
      put16(root + 0, 040755);
      put32(root + 4, BLOCK_BYTES);
      put16(root + 26, 2);
      put32(root + 28, BLOCK_BYTES / 512);
      put32(root + 40, ROOT_BLOCK);
    }
    if (!write_block(disk, block))
      return 0;
  }
  put32(0, 2);
  put16(4, 12);
  put16(6, 1);
  ext2_block[8] = '.';
  put32(12, 2);
  put16(16, BLOCK_BYTES - 12);
  put16(18, 2);
  ext2_block[20] = ext2_block[21] = '.';
  return write_block(disk, ROOT_BLOCK) && call1(SYS_fsync, disk) == 0;
}

/* Zeroes all that says what the blocks mean, with its time stamps. */
static int wipe_ext2(int disk)
{
  for (uint32_t block = 0; block < ROOT_BLOCK; block++)
    if (!write_block(disk, block))
      return 0;
  return 1;
}

#endif
