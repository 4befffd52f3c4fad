// Finds the kernel that `previrt image build linux` left in the cache, for cross-checks against other tools.
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Path of the first file of that name under the image cache; prints why the caller skips where there is none. */
export function builtKernel(name: string): string | undefined {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'previrt')
  const found = existsSync(cache)
    ? readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter(
        file => file === name || file.endsWith(`/${name}`),
      )
    : []
  const complete = found.sort().find(file => !file.includes('tmp') && !file.includes('build/'))
  if (complete) return join(cache, complete)
  process.stderr.write(`skipped: no ${name} in the image cache; "previrt image build linux" makes one\n`)
  return undefined
}
