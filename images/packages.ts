// The Debian packages that building images needs, and the check that names the missing ones.
// One foreign-architecture package (busybox-static:i386) is downloaded and unpacked, never installed.
import { execFileSync } from 'node:child_process'

/** Debian packages (bookworm names) that `buildImage` needs installed. */
export const REQUIRED_PACKAGES = [
  'linux-source-6.1',
  'gcc',
  'gcc-multilib',
  'binutils',
  'make',
  'bc',
  'bison',
  'flex',
  'libelf-dev',
  'xz-utils',
] as const

/** Debian packages that `bench --peers v86,qemu` needs on top. */
export const PEER_PACKAGES = ['qemu-system-x86', 'seabios'] as const

/** The foreign architecture whose packages the initial file system takes its busybox from. */
export const FOREIGN_ARCHITECTURE = 'i386'

/**
 * Which of the packages dpkg does not know as installed.
 * @returns their names, in the order given; all of them where there is no dpkg
 */
export function missingPackages(names: readonly string[] = REQUIRED_PACKAGES): string[] {
  let output = ''
  try {
    output = execFileSync('dpkg-query', ['-W', '-f', `\${Package} \${db:Status-Status}\n`, ...names], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch (error) {
    output = String((error as { stdout?: string }).stdout ?? '')
  }
  const installed = new Set(
    output
      .split('\n')
      .filter(line => line.endsWith(' installed'))
      .map(line => line.split(' ')[0]),
  )
  return names.filter(name => !installed.has(name))
}

/**
 * Ends with an error that names the missing packages and the command that installs them.
 * @throws when a package is missing
 */
export function requirePackages(names: readonly string[] = REQUIRED_PACKAGES): void {
  const missing = missingPackages(names)
  if (missing.length > 0) {
    throw new Error(`missing Debian packages: ${missing.join(' ')}; run: apt-get install -y ${missing.join(' ')}`)
  }
}
