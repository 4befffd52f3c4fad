// Debian's GRUB for Xen guests, a kernel by others: downloaded once, unpacked, not installed.

import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, publish } from '../../../images/cache.js'
import { runCommand } from '../../../images/command.js'

const PACKAGE = 'grub-xen-host'
const FILE = 'usr/lib/grub-xen/grub-i386-xen.bin'

/** @throws when the package cannot be downloaded */
export async function grubImage(): Promise<Uint8Array> {
  const folder = await publish(join(cacheFolder('packages'), PACKAGE), async temporary => {
    const cwd = { cwd: temporary }
    await runCommand('apt-get', ['-o', 'APT::Sandbox::User=root', 'download', PACKAGE], cwd)
    const archive = readdirSync(temporary).find(file => file.endsWith('.deb'))
    if (archive === undefined) throw new Error(`apt-get download ${PACKAGE} left no package`)
    await runCommand('dpkg-deb', ['-x', archive, '.'], cwd)
    rmSync(join(temporary, archive))
  })
  return readFileSync(join(folder, FILE))
}
