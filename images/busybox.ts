// Fetches Debian's statically linked busybox for i386: downloaded and unpacked, not installed, because the
// host is usually amd64. Kept in the cache; a newer Debian version is taken when the cached one is removed.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, publish } from './cache.js'
import { runCommand } from './command.js'
import { FOREIGN_ARCHITECTURE } from './packages.js'

const PACKAGE = `busybox-static:${FOREIGN_ARCHITECTURE}`

async function addArchitecture(): Promise<void> {
  const known = execFileSync('dpkg', ['--print-foreign-architectures'], { encoding: 'utf8' }).split('\n')
  if (known.includes(FOREIGN_ARCHITECTURE)) return
  if (process.getuid?.() !== 0) {
    throw new Error(
      `${PACKAGE} is not available; run as root: dpkg --add-architecture ${FOREIGN_ARCHITECTURE} && apt-get update`,
    )
  }
  await runCommand('dpkg', ['--add-architecture', FOREIGN_ARCHITECTURE])
  await runCommand('apt-get', ['update'])
}

function folderInCache(): string {
  return join(cacheFolder('packages'), 'busybox-static')
}

/** Path of the busybox in the cache, or undefined when it was not fetched yet. */
export function cachedBusybox(): string | undefined {
  const path = join(folderInCache(), 'busybox')
  return existsSync(path) ? path : undefined
}

/**
 * The busybox program for the guest.
 * @returns path of a static i386 ELF file
 * @throws when the package cannot be downloaded
 */
export async function fetchBusybox(): Promise<string> {
  const folder = await publish(folderInCache(), async temporary => {
    await addArchitecture()
    const cwd = { cwd: temporary }
    await runCommand('apt-get', ['-o', 'APT::Sandbox::User=root', 'download', PACKAGE], cwd)
    const archive = readdirSync(temporary).find(name => name.endsWith('.deb'))
    if (archive === undefined) throw new Error(`apt-get download ${PACKAGE} left no package`)
    await runCommand('dpkg-deb', ['-x', archive, 'root'], cwd)
    renameSync(join(temporary, 'root/bin/busybox'), join(temporary, 'busybox'))
  })
  return join(folder, 'busybox')
}
