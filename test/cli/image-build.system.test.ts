// `image build` as a process of its own: interrupted it leaves nothing behind, and a finished image is found at once.
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fetchBusybox } from '../../images/busybox.js'
import { buildImage } from '../../images/index.js'
import { testFolder } from './command.js'

const MINUTES = 60_000
const ROOT = join(import.meta.dirname, '../..')
const COMMAND = join(ROOT, 'dist/src/cli/main.js')
const at = testFolder()
/** Pauses that a command that was told to stop may take. */
const TRIES = 100

const pause = () => new Promise(resolve => setTimeout(resolve, 50))
const below = (folder: string) => (existsSync(folder) ? readdirSync(folder) : [])

test(
  'a build that is interrupted leaves no half image, no lock and no process',
  async () => {
    const cache = at('cache/previrt')
    mkdirSync(join(cache, 'packages'), { recursive: true })
    cpSync(dirname(await fetchBusybox()), join(cache, 'packages/busybox-static'), { recursive: true })
    const env = { ...process.env, XDG_CACHE_HOME: at('cache') }
    const build = spawn(process.execPath, [COMMAND, 'image', 'build', 'linux'], { env, stdio: 'ignore' })
    const ended = new Promise<number | null>(resolve => build.once('exit', resolve))
    while (below(join(cache, 'source')).length === 0 && build.exitCode === null) await pause()
    expect(below(join(cache, 'images'))).toHaveLength(2) // a lock and a temporary folder
    build.kill('SIGTERM')
    expect(await ended).toBe(143)
    for (const folder of ['images', 'kernels']) expect([folder, below(join(cache, folder))]).toEqual([folder, []])
    const list = spawnSync(process.execPath, [COMMAND, 'image', 'list', '--json'], { env, encoding: 'utf8' })
    const images = list.stdout.trim().split('\n')
    expect(images.map(line => JSON.parse(line).built)).toEqual(images.map(() => false))
    const own = () =>
      spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
        .stdout.split('\n')
        .filter(line => line.includes(`${at('cache')}/`))
    for (let tries = 0; own().length > 0 && tries < TRIES; tries++) await pause()
    expect(own()).toEqual([])
  },
  2 * MINUTES,
)

test(
  'a second call does not build',
  async () => {
    const { path } = await buildImage('linux')
    const again = spawnSync(process.execPath, [COMMAND, 'image', 'build', 'linux'], { encoding: 'utf8' })
    expect(again).toMatchObject({ status: 0, stdout: `${path}\n`, stderr: '' })
  },
  30 * MINUTES,
)

test('images do not depend on where the checkout lies', () => {
  const copy = at('elsewhere')
  for (const part of ['dist', 'images', 'src/afterburner/as', 'vmm', 'package.json'])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  const list = (command: string) => {
    const { stdout } = spawnSync(process.execPath, [command, 'image', 'list', '--json'], { encoding: 'utf8' })
    return stdout.split('\n').filter(Boolean)
  }
  const here = list(COMMAND)
  expect(here).toHaveLength(6)
  expect(list(join(copy, 'dist/src/cli/main.js'))).toEqual(here)
})
