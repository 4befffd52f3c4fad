// Linux from nothing, in a cache of its own: unattended, and the same bytes as the image in the usual cache.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buildImage } from '../../images/index.js'
import { KERNEL_FILES } from '../../images/linux/kernel.js'

const MINUTES = 60_000
const COMMAND = join(import.meta.dirname, '../../dist/src/cli/main.js')
const folder = mkdtempSync(join(tmpdir(), 'from-nothing-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test(
  'two builds from nothing have identical bytes',
  async () => {
    const usual = await buildImage('linux')
    const env = { ...process.env, XDG_CACHE_HOME: folder }
    const build = spawnSync(process.execPath, [COMMAND, 'image', 'build', 'linux'], { env, encoding: 'utf8' })
    expect(build.status).toBe(0)
    const path = build.stdout.trimEnd()
    expect(path.startsWith(folder)).toBe(true)
    const digests = (image: string) =>
      [...KERNEL_FILES, 'initramfs.cpio.gz'].map(name => [
        name,
        createHash('sha256')
          .update(readFileSync(join(dirname(image), name)))
          .digest('hex'),
      ])
    expect(digests(path)).toEqual(digests(usual.path))
  },
  60 * MINUTES,
)
