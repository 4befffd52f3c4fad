// Copies of the memory modules with one text replaced, bundled and loaded from a temporary folder.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { MemoryModules } from './memory-world.js'
import type { SeededFault } from './seeded-faults.js'

const SOURCES = join(import.meta.dirname, '../../../hypervisors/xen')

/** @throws where the fault's text does not stand in its file exactly once */
export async function alteredModules({ file, text, fault }: SeededFault): Promise<MemoryModules> {
  const altered = join(SOURCES, file)
  const source = readFileSync(altered, 'utf8')
  if (source.split(text).length !== 2) throw new Error(`${file} does not have once: ${text}`)
  const folder = mkdtempSync(join(tmpdir(), 'previrt-altered-'))
  const outfile = join(folder, 'modules.mjs')
  try {
    await build({
      entryPoints: [join(import.meta.dirname, 'real-modules.ts')],
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile,
      logLevel: 'error',
      plugins: [
        {
          name: 'fault',
          setup: ({ onLoad }) => {
            onLoad({ filter: /\.ts$/ }, ({ path }) =>
              path === altered ? { contents: source.replace(text, () => fault), loader: 'ts' } : undefined,
            )
          },
        },
      ],
    })
    return (await import(outfile)).realModules
  } finally {
    rmSync(folder, { recursive: true })
  }
}
