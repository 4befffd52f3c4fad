// A guest that needs no kernel build: Debian's own linux-image-686, downloaded and unpacked but not installed, with
// our initial file system. The demo boots it while our kernel is being compiled. The newest version that apt knows is
// taken and kept in the cache.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fetchBusybox } from './busybox.js'
import { cacheFolder, digestOf, publish, SHORT_DIGEST } from './cache.js'
import { runCommand } from './command.js'
import { makeInitramfs } from './initramfs.js'
import { FOREIGN_ARCHITECTURE } from './packages.js'
import { buildPrograms, programsDigest } from './programs.js'
import { toolchainIdentity } from './toolchain.js'

const METAPACKAGE = `linux-image-686:${FOREIGN_ARCHITECTURE}`
const UNPACK_KERNEL = 'dpkg-deb --fsys-tarfile "$1" | tar -x --wildcards "./boot/vmlinuz-*"'

/** Absolute paths of a bzImage and an initramfs that belong together. */
export interface DebianGuest {
  readonly kernel: string
  readonly initrd: string
}

/** The package with the newest kernel: what the metapackage depends on. */
function kernelPackage(): string {
  const lines = execFileSync('apt-cache', ['depends', '--important', METAPACKAGE], { encoding: 'utf8' })
  const name = /linux-image-[\w.+-]+-686(?=[:\s]|$)/.exec(lines.slice(lines.indexOf('\n')))?.[0]
  if (name === undefined) throw new Error(`apt knows no kernel for ${METAPACKAGE}; run: apt-get update`)
  return `${name}:${FOREIGN_ARCHITECTURE}`
}

async function fetchKernel(): Promise<string> {
  const folder = await publish(join(cacheFolder('packages'), 'linux-image-686'), async temporary => {
    const cwd = { cwd: temporary }
    const name = kernelPackage()
    await runCommand('apt-get', ['-o', 'APT::Sandbox::User=root', 'download', name], cwd)
    const archive = readdirSync(temporary).find(file => file.endsWith('.deb'))
    if (archive === undefined) throw new Error(`apt-get download ${name} left no package`)
    await runCommand('sh', ['-c', UNPACK_KERNEL, 'sh', archive], cwd)
    const kernel = readdirSync(join(temporary, 'boot'))[0]
    if (kernel === undefined) throw new Error(`${archive} holds no kernel`)
    renameSync(join(temporary, 'boot', kernel), join(temporary, 'vmlinuz'))
    rmSync(join(temporary, archive))
  })
  return join(folder, 'vmlinuz')
}

/**
 * Debian's kernel and an initramfs with our /init, from the cache or made in some seconds.
 * @throws when a package cannot be downloaded or a program of the initramfs cannot be compiled
 */
export async function debianGuest(): Promise<DebianGuest> {
  const kernel = await fetchKernel()
  const busybox = await fetchBusybox()
  const toolchain = toolchainIdentity()
  const digest = digestOf([programsDigest(toolchain), readFileSync(busybox)]).slice(0, SHORT_DIGEST)
  const folder = await publish(join(cacheFolder('images'), `debian-${digest}`), async temporary => {
    writeFileSync(join(temporary, 'initramfs.cpio.gz'), makeInitramfs(await buildPrograms(toolchain), busybox))
  })
  return { kernel, initrd: join(folder, 'initramfs.cpio.gz') }
}
