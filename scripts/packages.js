// The Debian packages that the demo and the tests need, with the reason for each. One list, read by setup.js.
// `optional` packages are checked against by some tests and peers of benchmarks; without them those are skipped.

/** @typedef {{ name: string, for: ('demo' | 'test')[], why: string, optional?: boolean }} Package */

/** @type {Package[]} */
export const packages = [
  { name: 'gcc', for: ['demo', 'test'], why: 'compiles the guest kernel, the mini guest and the workloads' },
  { name: 'libc6-dev', for: ['demo', 'test'], why: 'headers for the programs that the kernel build runs' },
  {
    name: 'libc6-dev-i386',
    for: ['demo', 'test'],
    why: '32-bit C library for static guest programs and the host-CPU tests',
  },
  { name: 'gcc-multilib', for: ['demo', 'test'], why: 'lets gcc produce 32-bit programs' },
  {
    name: 'binutils',
    for: ['demo', 'test'],
    why: 'assembler and linker for the guests; readelf and nm check our ELF reader',
  },
  { name: 'make', for: ['demo', 'test'], why: 'drives the kernel build' },
  { name: 'bc', for: ['demo', 'test'], why: 'kernel build: time constants' },
  { name: 'flex', for: ['demo', 'test'], why: 'kernel build: configuration parser' },
  { name: 'bison', for: ['demo', 'test'], why: 'kernel build: configuration parser' },
  { name: 'libelf-dev', for: ['demo', 'test'], why: 'kernel build: host tools' },
  { name: 'libssl-dev', for: ['demo', 'test'], why: 'kernel build: host tools' },
  { name: 'xz-utils', for: ['demo', 'test'], why: 'unpacks the kernel source' },
  { name: 'cpio', for: ['demo', 'test'], why: 'packs initial RAM disks' },
  { name: 'kmod', for: ['demo', 'test'], why: 'kernel build: depmod' },
  { name: 'linux-source-6.1', for: ['demo', 'test'], why: 'the source of the guest kernel' },
  { name: 'seabios', for: ['test'], why: 'firmware that the ROM test boots' },
  { name: 'gdb', for: ['test'], why: 'a real client for the gdb server test', optional: true },
  { name: 'qemu-system-x86', for: ['test'], why: 'an independent machine to compare with', optional: true },
  { name: 'chromium', for: ['test'], why: 'a real browser that opens the page of a comparison', optional: true },
]

/** Packages that are only downloaded and unpacked, never installed: they are for the guest's architecture. */
export const downloads = [
  { name: 'busybox-static:i386', why: 'the shell and tools of the guests' },
  { name: 'linux-image-686:i386', why: "Debian's own kernel, which the demo boots while ours is being built" },
]
