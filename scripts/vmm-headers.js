// Writes the generated headers of vmm/include from the descriptions in src (after a build): node scripts/vmm-headers.js
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { models } from '../dist/src/cpu/models.js'
import { generatedHeaders } from '../dist/src/rewriter/c-headers.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
for (const [name, text] of generatedHeaders(Object.values(models))) writeFileSync(join(root, 'vmm/include', name), text)
