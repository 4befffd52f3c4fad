// Sets up a checkout: npm packages, the build, Debian packages. `npm run demo` and `npm test` begin with it; the second
// time it only compares stamps. As root it installs what is missing; otherwise it prints the command and ends with 2.
// Usage: node scripts/setup.js [--for demo|test]
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPackages } from './npm-packages.js'
import { downloads, packages } from './packages.js'
import { run } from './progress.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stampFile = join(root, 'dist', '.setup-stamp')
const dpkgStatus = '/var/lib/dpkg/status'

/** Ends with 0 when all is there, 1 when something failed, 2 when the user must run a command. */
export async function setUp(purpose) {
  const npm = await installPackages(root)
  if (npm !== 0) return npm
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.js')], { stdio: ['ignore', 2, 2] }).status ?? 1
  return built !== 0 ? built : await setUpDebian(purpose)
}

async function setUpDebian(purpose) {
  const needed = packages.filter(item => !purpose || item.for.includes(purpose))
  const stamp = JSON.stringify([purpose ?? 'all', needed, downloads, mtime(dpkgStatus)])
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8').split('\n').includes(stamp)) return 0
  if (output('dpkg-query', ['--version']) === undefined) {
    say('this is not a Debian system; needed are what these Debian packages provide:')
    list(needed)
    return 2
  }
  const missing = needed.filter(item => !isInstalled(item.name))
  const unknown = downloads.filter(item => !hasCandidate(item.name))
  if (missing.length > 0 || unknown.length > 0) {
    const status = await install(missing, unknown)
    if (status !== 0) return status
  }
  mkdirSync(dirname(stampFile), { recursive: true })
  const keep = existsSync(stampFile) ? readFileSync(stampFile, 'utf8').split('\n').slice(-3) : []
  const now = JSON.stringify([purpose ?? 'all', needed, downloads, mtime(dpkgStatus)])
  writeFileSync(stampFile, [...keep, now].join('\n'))
  return 0
}

async function install(missing, unknown) {
  if (missing.length > 0) {
    say('Debian packages that are missing:')
    list(missing)
  }
  if (unknown.length > 0) {
    say('Debian packages for i386 that apt does not know yet:')
    list(unknown)
  }
  const addArchitecture = !(output('dpkg', ['--print-foreign-architectures']) ?? '').split('\n').includes('i386')
  const update = unknown.length > 0 || missing.some(item => !hasCandidate(item.name))
  const steps = []
  if (addArchitecture) steps.push(['dpkg', '--add-architecture', 'i386'])
  if (update) steps.push(['apt-get', 'update'])
  const optional = missing.filter(item => item.optional).map(item => item.name)
  const required = missing.filter(item => !item.optional).map(item => item.name)
  const installing = names => ['apt-get', 'install', '-y', '--no-install-recommends', ...names]
  if (process.getuid?.() !== 0) {
    if (missing.length > 0) steps.push(installing([...required, ...optional]))
    say('run this command, then try again:')
    process.stderr.write(`  ${steps.map(step => `sudo ${step.join(' ')}`).join(' && ')}\n`)
    return 2
  }
  if (required.length > 0) steps.push(installing(required))
  for (const step of steps) {
    const status = await runApt(step)
    // A mirror in the middle of an update leaves some lists old; what is needed may well be in the others.
    if (status !== 0 && step[1] === 'update') say('some package lists are old; going on with what is there')
    else if (status !== 0) return 1
  }
  if (optional.length > 0 && (await runApt(installing(optional))) !== 0) {
    say(`without ${optional.join(' and ')} the tests that compare with them are skipped`)
  }
  return 0
}

async function runApt([program, ...args]) {
  const status = line => (/^(dl|pm)status:/.test(line) ? Number(line.split(':')[2]) / 100 : undefined)
  const options = program === 'apt-get' ? ['-o', 'APT::Status-Fd=3', '-o', 'DPkg::Lock::Timeout=300'] : []
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  return await run([program, ...args].join(' ').slice(0, 60), [program, ...options, ...args], { env, status })
}

function isInstalled(name) {
  return /^Status: install ok installed$/m.test(output('dpkg', ['-s', name]) ?? '')
}

function hasCandidate(name) {
  return /Candidate: (?!\(none\))\S/.test(output('apt-cache', ['policy', name]) ?? '')
}

function output(program, args) {
  const result = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
  return result.error ? undefined : result.stdout
}

function mtime(file) {
  return existsSync(file) ? statSync(file).mtimeMs : 0
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`)
}

function list(items) {
  const width = Math.max(...items.map(item => item.name.length))
  for (const { name, why } of items) process.stderr.write(`  ${name.padEnd(width)}  ${why}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [option, purpose, ...rest] = process.argv.slice(2)
  if ((option && option !== '--for') || (option && !['demo', 'test'].includes(purpose)) || rest.length > 0) {
    say('unknown option; usage: node scripts/setup.js [--for demo|test]')
    process.exitCode = 2
  } else {
    process.exitCode = await setUp(purpose)
  }
}
