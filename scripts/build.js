// Builds dist: compiles the TypeScript, generates the WebAssembly core and makes one file of the command and what `run`
// needs (loading 230 modules takes longer than all else at start). Skips when no input changed since the last build,
// unless --force is given. `npm ci` runs it (prepare), setup.js too.
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './progress.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folders = ['src', 'hypervisors', 'images', 'benchmarks']
const dist = join(root, 'dist')
const stampFile = join(dist, '.build-stamp')
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const command = join(dist, 'src/cli/main.js')
const core = join(dist, 'src/engine/build-core.js')

process.exitCode = await build(process.argv.includes('--force'))

async function build(force) {
  const sources = folders.flatMap(folder => sourcesBelow(folder))
  const stamp = fingerprint([
    ...sources,
    'tsconfig.json',
    'tsconfig.build.json',
    'package-lock.json',
    'scripts/build.js',
  ])
  if (!force && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return 0
  if (!existsSync(compiler)) {
    process.stderr.write('build: the TypeScript compiler is not installed; run npm ci without --omit=dev\n')
    return 2
  }
  rmSync(stampFile, { force: true })
  const arguments_ = ['-p', 'tsconfig.build.json', '--noEmitOnError']
  const compiled = await run('compiling TypeScript', [process.execPath, compiler, ...arguments_], { cwd: root })
  if (compiled !== 0) return 1
  removeOrphans(new Set(sources.map(source => source.slice(0, -'.ts'.length))))
  const generated = await run('generating the WebAssembly core', [process.execPath, core], { cwd: root })
  if (generated !== 0) return 1
  await bundle()
  writeFileSync(stampFile, stamp)
  return 0
}

/** Replaces the command's entry by a bundle; what a command loads when it is called becomes a file in chunks/. */
async function bundle() {
  const chunks = join(dirname(command), 'chunks')
  rmSync(chunks, { recursive: true, force: true })
  const { build: esbuild } = await import('esbuild')
  await esbuild({
    entryPoints: [command],
    outdir: dirname(command),
    chunkNames: 'chunks/[name]-[hash]',
    allowOverwrite: true,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Their own WebAssembly files lie beside them.
    external: ['iced-x86', 'v86'],
    // CommonJS packages ask for Node's modules with require.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url)",
    },
    logLevel: 'warning',
  })
  chmodSync(command, 0o755)
}

function sourcesBelow(folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') && !file.includes('node_modules'))
    .map(file => join(folder, file))
}

function fingerprint(files) {
  const hash = createHash('sha256')
  for (const file of files.sort()) {
    const { size, mtimeMs } = statSync(join(root, file))
    hash.update(`${file} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

/** Deletes compiled modules whose source is gone, so that nothing can import them. */
function removeOrphans(modules) {
  for (const folder of folders.filter(name => existsSync(join(dist, name)))) {
    for (const file of readdirSync(join(dist, folder), { recursive: true, encoding: 'utf8' })) {
      const match = /^(.*)\.(js|d\.ts)$/.exec(join(folder, file))
      if (match && !modules.has(match[1])) rmSync(join(dist, match[0]))
    }
  }
}
