// Profiles of guests: stores to tables that a recorded run has found and no source line gives away. Those that come with
// the sources lie in images/profiles; what `image profile` finds on top is kept in the cache. Both are annotated by the
// next build, and both count for the digest.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './cache.js'
import { packageRoot } from './package-root.js'

function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
}

function textOf(lines: readonly string[]): string {
  return [...new Set(lines)]
    .sort()
    .map(line => `${line}\n`)
    .join('')
}

function recordedPath(name: string): string {
  return join(cacheFolder('profiles'), name)
}

/** Text for the assembler stage: one store a line, sorted, each once; empty where nothing was found yet. */
export function readProfile(name: string): string {
  const shipped = join(packageRoot(import.meta.url), 'images/profiles', name)
  return textOf([...linesOf(shipped), ...linesOf(recordedPath(name))])
}

/**
 * Adds stores to an image's profile.
 * @returns path of the file that they are kept in
 */
export function addToProfile(name: string, lines: readonly string[]): string {
  const path = recordedPath(name)
  const temporary = `${path}.tmp-${process.pid}`
  writeFileSync(temporary, textOf([...linesOf(path), ...lines]))
  renameSync(temporary, path)
  return path
}
