// Finds the root folder of the package from a module's own address, in a checkout and under dist/ alike:
// the nearest folder upwards whose package.json is ours. Sources of images are read from there.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Root folder of the package.
 * @param moduleUrl `import.meta.url` of the caller
 * @throws when no folder above the module has our package.json
 */
export function packageRoot(moduleUrl: string): string {
  for (let folder = dirname(fileURLToPath(moduleUrl)); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json')
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'previrt') return folder
    if (folder === dirname(folder)) throw new Error(`no package.json of previrt above ${fileURLToPath(moduleUrl)}`)
  }
}
