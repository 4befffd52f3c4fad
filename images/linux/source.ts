// Debian's kernel source: which version is installed, and its unpacked tree in the cache. Parts that no
// build for i386 reads and no Kconfig file lies in are left in the archive; the tree is never edited.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, publish, SHORT_DIGEST } from '../cache.js'
import { runCommand } from '../command.js'

const PACKAGE = 'linux-source-6.1'
const ARCHIVE = `/usr/src/${PACKAGE}.tar.xz`
const CHECKSUMS = `/var/lib/dpkg/info/${PACKAGE}.md5sums`

const LEFT_OUT = [
  '*/Documentation/devicetree',
  '*/drivers/gpu/drm/amd/include/*',
  '*/arch/arm/boot/dts/*',
  '*/arch/arm64/boot/dts/*',
  '*/sound/*.c',
  '*/tools/testing/*',
]

/**
 * Digest of the installed source archive, as dpkg recorded it (reading the archive would take a second).
 * @throws when the package is not installed
 */
export function sourceDigest(): string {
  if (!existsSync(ARCHIVE) || !existsSync(CHECKSUMS)) {
    throw new Error(`${ARCHIVE} is missing; run: apt-get install -y ${PACKAGE}`)
  }
  const line = readFileSync(CHECKSUMS, 'utf8')
    .split('\n')
    .find(text => ARCHIVE.endsWith(text.slice(text.indexOf(' ')).trim()))
  const digest = line?.split(' ')[0]
  if (digest === undefined) throw new Error(`${CHECKSUMS} does not list ${ARCHIVE}; reinstall ${PACKAGE}`)
  return digest
}

/**
 * Unpacks the source if the cache does not hold it yet (about 15 s and 1 GB).
 * @returns root folder of the tree
 */
export async function unpackSource(): Promise<string> {
  const path = join(cacheFolder('source'), `${PACKAGE}-${sourceDigest().slice(0, SHORT_DIGEST)}`)
  await publish(path, async folder => {
    const exclude = LEFT_OUT.map(pattern => `--exclude=${pattern}`)
    await runCommand('tar', ['-xf', ARCHIVE, '-C', folder, '--strip-components=1', ...exclude])
  })
  return path
}
