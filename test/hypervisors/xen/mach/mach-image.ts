// GNU Mach for Xen as Debian 11 has it, a kernel by others: downloaded once with a list of sources of its own, unpacked, not
// installed. That of Debian 12 writes to a page directory that it has just made read-only, and ends there on any Xen.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { cacheFolder, publish } from '../../../../images/cache.js'
import { runCommand } from '../../../../images/command.js'

const PACKAGE = 'gnumach-image-1.8-xen-486'
const FILE = 'boot/gnumach-1.8-xen-486.gz'
/** A list of sources: the older release, from where this machine's packages come. */
function sourcesOfDebian11(): string {
  const sites = execFileSync('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages'], {
    encoding: 'utf8',
  })
  const site = sites.split('\n').find(line => /\/debian\/?$/.test(line))
  if (site === undefined) throw new Error('the lists of apt name no mirror of Debian; run: apt-get update')
  return `deb [arch=i386 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${site} bullseye main\n`
}

/** @throws when the package cannot be downloaded */
export async function machImage(): Promise<Uint8Array> {
  const folder = await publish(join(cacheFolder('packages'), PACKAGE), async temporary => {
    for (const part of ['lists/partial', 'cache/archives/partial', 'empty'])
      mkdirSync(join(temporary, part), { recursive: true })
    writeFileSync(join(temporary, 'sources.list'), sourcesOfDebian11())
    const settings = [
      'APT::Sandbox::User=root',
      'APT::Architectures::=i386',
      `Dir::Etc::sourcelist=${join(temporary, 'sources.list')}`,
      `Dir::Etc::sourceparts=${join(temporary, 'empty')}`,
      `Dir::State::lists=${join(temporary, 'lists')}`,
      `Dir::Cache=${join(temporary, 'cache')}`,
    ].flatMap(setting => ['-o', setting])
    const cwd = { cwd: temporary }
    await runCommand('apt-get', [...settings, 'update'], cwd)
    await runCommand('apt-get', [...settings, 'download', `${PACKAGE}:i386`], cwd)
    const archive = readdirSync(temporary).find(file => file.endsWith('.deb'))
    if (archive === undefined) throw new Error(`apt-get download ${PACKAGE} left no package`)
    await runCommand('dpkg-deb', ['-x', archive, '.'], cwd)
    for (const name of [archive, 'lists', 'cache', 'empty', 'sources.list'])
      rmSync(join(temporary, name), { recursive: true })
  })
  return gunzipSync(readFileSync(join(folder, FILE)))
}

const FLAGS = [
  ...['-m32', '-march=i686', '-O1', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-ffreestanding'],
  ...['-fno-pic', '-no-pie', '-static', '-nostdlib', '-fno-stack-protector', '-fcf-protection=none'],
  ...['-fno-asynchronous-unwind-tables', '-fno-strict-aliasing', '-Wl,--build-id=none', '-Wl,-z,noexecstack'],
]

/** The program of this folder that GNU Mach starts first, as a file. */
export function bootstrapProgram(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'previrt-mach-'))
  try {
    const out = join(folder, 'bootstrap')
    const sources = ['bootstrap.c', 'calls.c'].map(file => join(import.meta.dirname, file))
    execFileSync('gcc', [...FLAGS, '-o', out, ...sources])
    return readFileSync(out)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const PAGE = 4096
const ENTRY_BYTES = 16

/**
 * The module that GNU Mach takes on Xen: a list of programs (where each begins and ends, and where its line for the boot
 * script stands, counted from the list on), ended by zeros, and then those, on pages of their own.
 */
export function machModule(program: Uint8Array, line: string): Uint8Array {
  const start = PAGE
  const lineAt = start + Math.ceil(program.length / PAGE) * PAGE
  const text = Buffer.from(`${line}\0`)
  const module = new Uint8Array(lineAt + Math.ceil(text.length / PAGE) * PAGE)
  new Uint32Array(module.buffer, 0, ENTRY_BYTES / 4).set([start, start + program.length, lineAt, 0])
  module.set(program, start)
  module.set(text, lineAt)
  return module
}
