// The VMM for a hypervisor, built from vmm/ with gcc and make: in the cache by the digest of its sources and tools.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, digestOf, publish, SHORT_DIGEST } from './cache.js'
import { runCommand } from './command.js'
import { packageRoot } from './package-root.js'
import { toolchainIdentity } from './toolchain.js'

const SOURCES = join(packageRoot(import.meta.url), 'vmm')

function sourceFiles(): string[] {
  return readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter(name => /(?:\.[chS]|\.ld|Makefile)$/.test(name))
    .sort()
}

/**
 * Builds the VMM for a hypervisor, or finds it.
 * @param path `xen`
 * @returns path of the ELF file
 * @throws with the compiler's own messages when it fails
 */
export async function buildVmm(path: string): Promise<string> {
  const files = sourceFiles()
  const sources = files.flatMap(file => [file, readFileSync(join(SOURCES, file))])
  const digest = digestOf([toolchainIdentity(), path, ...sources])
  const place = join(cacheFolder('vmm'), `${path}-${digest.slice(0, SHORT_DIGEST)}`)
  await publish(place, folder => runCommand('make', ['-s', '-C', SOURCES, `BUILD=${folder}`, path]))
  return join(place, `vmm-${path}.elf`)
}
