// Profiles of guests: stores to tables that a run found and no source line gives away. Some come with the recipe
// (images/NAME/profile), some from the user's own runs (the cache); a build annotates both.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './cache.js'
import { packageRoot } from './package-root.js'

const ownPath = (name: string) => join(cacheFolder('profiles'), name)

function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
}

/** Text for the assembler stage: one store a line, sorted, each once; empty where nothing was found yet. */
export function readProfile(name: string): string {
  const shipped = join(packageRoot(import.meta.url), 'images', name, 'profile')
  const lines = [...new Set([...linesOf(shipped), ...linesOf(ownPath(name))])].sort()
  return lines.map(line => `${line}\n`).join('')
}

/** Adds lines of `profileStores` to the user's profile of an image; the next build annotates them. */
export function addToProfile(name: string, lines: readonly string[]): void {
  const path = ownPath(name)
  const all = [...new Set([...linesOf(path), ...lines])].sort()
  writeFileSync(path, all.map(line => `${line}\n`).join(''))
}
