// Run by the build after compiling: makes the core and replaces the compiled core-code.js beside this file by one that
// holds the bytes, so that a started program does not spend time on them. Its declarations stay as they are.

import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { coreCode } from './core-code.js'

/** The text of a module that answers coreCode() from memory. */
export function coreModule({ bytes, layout }: ReturnType<typeof coreCode>): string {
  return [
    '// Made by the build (build-core.ts): the bytes of core-code.ts, in base64.',
    `const layout = ${JSON.stringify(layout)}`,
    `const text = '${Buffer.from(bytes).toString('base64')}'`,
    "export const coreCode = () => ({ bytes: new Uint8Array(Buffer.from(text, 'base64')), layout })",
    '',
  ].join('\n')
}

const file = join(import.meta.dirname, 'core-code.js')
writeFileSync(`${file}.tmp`, coreModule(coreCode()))
renameSync(`${file}.tmp`, file)
