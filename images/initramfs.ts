// What the guest's initial file system contains: our /init, workloads and benchmark jobs, busybox with a
// link for each command that scripts call by path, and the console's device node (the kernel opens
// /dev/console before /init can mount anything).
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { type CpioEntry, writeCpio } from './cpio.js'
import type { GuestFile } from './programs.js'

const FOLDERS = [
  'bench',
  'bin',
  'dev',
  'etc',
  'mnt',
  'proc',
  'root',
  'sbin',
  'sys',
  'tmp',
  'usr',
  'usr/bin',
  'workloads',
]

const COMMANDS = (
  'ash awk basename cat chmod cmp cp cut date dd df dirname dmesg echo egrep env expr false find free grep gunzip ' +
  'gzip halt head hexdump hostname id ifconfig kill less ln ls md5sum mkdir mknod more mount mv nc netstat nslookup od ' +
  'ping poweroff printf ps pwd readlink reboot rm rmdir route sed seq sh sha1sum sha256sum sha512sum sleep sort stat ' +
  'stty su sync tail tar tee telnet test time top touch tr traceroute true udhcpc umount uname uniq uptime vi wc wget ' +
  'xargs yes zcat'
).split(' ')

const TEXT_FILES: Record<string, string> = {
  'etc/passwd': 'root::0:0:root:/root:/bin/sh\n',
  'etc/group': 'root:x:0:\n',
  'etc/hosts': '127.0.0.1 localhost\n',
}

const COMPRESSION_LEVEL = 9

/**
 * The archive, compressed with gzip.
 * @param programs our own files
 * @param busybox path of the static busybox
 */
export function makeInitramfs(programs: readonly GuestFile[], busybox: string): Uint8Array {
  const entries: CpioEntry[] = [
    ...FOLDERS.map(path => ({ kind: 'folder' as const, path, mode: path === 'tmp' ? 0o1777 : 0o755 })),
    { kind: 'character', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    { kind: 'character', path: 'dev/null', mode: 0o666, major: 1, minor: 3 },
    { kind: 'file', path: 'bin/busybox', mode: 0o755, data: readFileSync(busybox) },
    ...COMMANDS.map(name => ({ kind: 'link' as const, path: `bin/${name}`, mode: 0o777, target: 'busybox' })),
    ...Object.entries(TEXT_FILES).map(([path, text]) => ({
      kind: 'file' as const,
      path,
      mode: 0o644,
      data: Buffer.from(text),
    })),
    ...programs.map(({ path, source }) => ({ kind: 'file' as const, path, mode: 0o755, data: readFileSync(source) })),
  ]
  return gzipSync(writeCpio(entries), { level: COMPRESSION_LEVEL })
}
