// Installs the npm packages of the lock file, and keeps a copy of them in the cache under the lock file's digest: the
// next clone with the same lock takes it from there, without a network.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from './progress.js'

/** Ends with 0 when node_modules holds what package-lock.json in `root` asks for, with npm's status otherwise. */
export async function installPackages(root) {
  const file = join(root, 'package-lock.json')
  const lock = JSON.parse(readFileSync(file, 'utf8'))
  if (isCurrent(root, lock)) return 0
  const modules = join(root, 'node_modules')
  const kept = keptFolder(readFileSync(file))
  if (existsSync(kept)) {
    copy(kept, modules)
    if (isCurrent(root, lock)) return 0
  }
  const wanted = Object.keys(lock.packages).filter(path => /^node_modules\/[^/]+(\/[^/]+)?$/.test(path)).length
  const title = `installing ${wanted} npm packages`
  const progress = () => (existsSync(modules) ? Math.min(0.99, count(modules) / wanted) : 0)
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--fetch-retries=3']
  let status = await run(title, ['npm', 'ci', ...quiet], { cwd: root, progress })
  // A registry that lacks the packages of other platforms makes npm ci fail; install leaves them out.
  if (status !== 0) status = await run(title, ['npm', 'install', '--no-save', ...quiet], { cwd: root, progress })
  if (status === 0) keep(modules, kept)
  return status
}

const keptFolder = lock =>
  join(
    process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
    'previrt',
    'npm',
    `${createHash('sha256').update(lock).digest('hex').slice(0, 16)}-${process.platform}-${process.arch}`,
  )

function copy(from, to) {
  rmSync(to, { recursive: true, force: true })
  spawnSync('cp', ['-a', from, to], { stdio: ['ignore', 'ignore', 2] })
}
function keep(modules, kept) {
  const unfinished = `${kept}.${process.pid}`
  mkdirSync(dirname(kept), { recursive: true })
  copy(modules, unfinished)
  if (existsSync(kept)) rmSync(unfinished, { recursive: true, force: true })
  else renameSync(unfinished, kept)
}

/** True if npm's record of what it installed names every package of the lock file in the version it asks for. */
function isCurrent(root, lock) {
  const record = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages
  return Object.entries(lock.packages).every(
    ([path, { version, optional }]) =>
      path === '' || installed[path]?.version === version || (optional && !installed[path]),
  )
}

function count(modules) {
  return readdirSync(modules).reduce(
    (sum, name) => sum + (name.startsWith('@') ? readdirSync(join(modules, name)).length : 1),
    0,
  )
}
