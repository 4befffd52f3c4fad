// The cache of built things under $XDG_CACHE_HOME/previrt, addressed by the digest of what they are made
// from and shared by checkouts. A thing is built under a temporary name and renamed when it is whole, so
// that an interrupted build leaves nothing that looks finished, and nothing at all where the process ends by
// process.exit; a lock keeps two processes from building the same thing twice.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'

const LOCK_POLL_MILLISECONDS = 250

/**
 * Folder of the cache, made if it does not exist.
 * @throws Error with the remedy when it cannot be made
 */
export function cacheFolder(...below: string[]): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = join(base, 'previrt', ...below)
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`${folder}: cannot be made (${code}); set XDG_CACHE_HOME to a folder of yours`)
  }
  return folder
}

/** SHA-256 in hexadecimal over a list of inputs; each is framed by its length, so that lists differ when their items do. */
export function digestOf(inputs: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const input of inputs) {
    const bytes = Buffer.from(input)
    hash.update(`${bytes.length}:`).update(bytes)
  }
  return hash.digest('hex')
}

/** Length of a digest in a folder's name. */
export const SHORT_DIGEST = 16

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Removes temporary folders of builders that are no longer alive. */
function removeLeftovers(folder: string, name: string): void {
  for (const entry of readdirSync(folder)) {
    if (!entry.startsWith(`${name}.tmp-`)) continue
    const pid = Number(entry.slice(entry.lastIndexOf('-') + 1))
    if (!isAlive(pid)) rmSync(join(folder, entry), { recursive: true, force: true })
  }
}

async function takeLock(path: string): Promise<void> {
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' })
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    try {
      const holder = Number(readFileSync(path, 'utf8'))
      if (holder > 0 && !isAlive(holder)) rmSync(path, { force: true })
    } catch {
      continue
    }
    await new Promise(resolve => setTimeout(resolve, LOCK_POLL_MILLISECONDS))
  }
}

/**
 * The folder at `path`, built if it is not there yet.
 * @param path final name, inside the cache
 * @param build fills the empty folder it is given; what it leaves there is published by one rename
 */
export async function publish(path: string, build: (folder: string) => Promise<void>): Promise<string> {
  if (existsSync(path)) return path
  const parent = dirname(path)
  const name = basename(path)
  mkdirSync(parent, { recursive: true })
  const lock = `${path}.lock`
  await takeLock(lock)
  const temporary = join(parent, `${name}.tmp-${process.pid}`)
  const clearUp = () => {
    rmSync(temporary, { recursive: true, force: true })
    rmSync(lock, { force: true })
  }
  const clearUpAtExit = () => {
    try {
      clearUp()
    } catch {
      // A command that has just been stopped may still write; the next build removes what is left.
    }
  }
  process.once('exit', clearUpAtExit)
  try {
    if (existsSync(path)) return path
    removeLeftovers(parent, name)
    mkdirSync(temporary)
    await build(temporary)
    renameSync(temporary, path)
    return path
  } finally {
    process.off('exit', clearUpAtExit)
    clearUp()
  }
}
