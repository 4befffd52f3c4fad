// Profiles of guests: stores to tables that a recorded run found and no source line gives away (images/NAME/profile).
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from './package-root.js'

/** Text for the assembler stage: one store a line, sorted, each once; empty where nothing was found yet. */
export function readProfile(name: string): string {
  const path = join(packageRoot(import.meta.url), 'images', name, 'profile')
  if (!existsSync(path)) return ''
  const lines = [...new Set(readFileSync(path, 'utf8').split('\n').filter(Boolean))].sort()
  return lines.map(line => `${line}\n`).join('')
}
