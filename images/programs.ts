// Compiles our static programs (/init, workloads, benchmark jobs) for the guest: i386, freestanding, no C
// library, no position-independent code, so that no program has a %gs operand but the one that tests it.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { cacheFolder, digestOf, publish, SHORT_DIGEST } from './cache.js'
import { runCommand } from './command.js'
import { BENCH_JOBS, NETWORK_PARTS, TOOLS, WORKLOADS } from './jobs.js'
import { packageRoot } from './package-root.js'

const SOURCES = join(packageRoot(import.meta.url), 'images')

const FLAGS = [
  '-m32',
  '-march=i686',
  '-mtune=generic',
  '-O2',
  '-std=gnu11',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-ffreestanding',
  '-fno-pic',
  '-fno-stack-protector',
  '-fcf-protection=none',
  '-fno-asynchronous-unwind-tables',
  '-fno-tree-loop-distribute-patterns',
]
/** Keeps the place of the checkout out of what is compiled, as it must stay out of the digest. */
const PREFIX_MAP = `-ffile-prefix-map=${SOURCES}=/images`
const LINK_FLAGS = [
  '-nostdlib',
  '-static',
  '-no-pie',
  '-s',
  '-Wl,--build-id=none',
  '-Wl,-z,noexecstack',
  '-Wl,-z,noseparate-code',
]
/** Programs that need an instruction set extension; they test CPUID themselves before they use it. */
const EXTRA_FLAGS: Record<string, string[]> = { 'bench/fp_sse2': ['-msse2', '-mfpmath=sse'] }

/** One file of the guest that we made: its path there, and the file here that holds it. */
export interface GuestFile {
  path: string
  source: string
}

/** Every source the programs are made of, as paths under images/. */
function sourceFiles(): string[] {
  return ['workloads/runtime', 'workloads', 'bench', 'workloads/shell', 'bench/shell'].flatMap(folder =>
    existsSync(join(SOURCES, folder))
      ? readdirSync(join(SOURCES, folder))
          .filter(name => /\.(c|h|sh)$/.test(name))
          .sort()
          .map(name => `${folder}/${name}`)
      : [],
  )
}

/** Digest over the sources, the flags and the job lists; `toolchain` identifies compiler and linker. */
export function programsDigest(toolchain: string): string {
  const files = sourceFiles()
  const bytes = files.map(file => readFileSync(join(SOURCES, file)))
  return digestOf([
    toolchain,
    JSON.stringify([FLAGS, LINK_FLAGS, EXTRA_FLAGS, WORKLOADS, NETWORK_PARTS, TOOLS, BENCH_JOBS, files]),
    ...bytes,
  ])
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
}

async function compileAll(folder: string): Promise<void> {
  const objects: string[] = []
  const runtime = readdirSync(join(SOURCES, 'workloads/runtime')).filter(name => name.endsWith('.c'))
  mkdirSync(join(folder, 'objects'))
  await inParallel(runtime.sort(), async name => {
    const object = join(folder, 'objects', name.replace(/c$/, 'o'))
    await runCommand('gcc', [...FLAGS, PREFIX_MAP, '-c', '-o', object, join(SOURCES, 'workloads/runtime', name)])
    objects.push(object)
  })
  const names = `#define WORKLOADS "${WORKLOADS.join(',')}"\n#define JOBS "${BENCH_JOBS.join(',')}"\n`
  writeFileSync(join(folder, 'objects/jobs.h'), names)
  const programs = [
    'workloads/init',
    ...[...WORKLOADS, ...NETWORK_PARTS, ...TOOLS].map(name => `workloads/${name}`),
    ...BENCH_JOBS.map(name => `bench/${name}`),
  ].filter(program => existsSync(join(SOURCES, `${program}.c`)))
  for (const part of ['workloads', 'bench']) mkdirSync(join(folder, part))
  await inParallel(programs, program =>
    runCommand('gcc', [
      ...FLAGS,
      PREFIX_MAP,
      ...(EXTRA_FLAGS[program] ?? []),
      ...LINK_FLAGS,
      `-I${join(folder, 'objects')}`,
      `-I${join(SOURCES, 'workloads')}`,
      '-o',
      join(folder, program),
      join(SOURCES, `${program}.c`),
      ...objects.sort(),
    ]),
  )
}

/**
 * Compiles what is not in the cache yet.
 * @param toolchain identifies compiler and linker
 * @returns the files of the guest: /init, /workloads/NAME, /bench/NAME
 */
export async function buildPrograms(toolchain: string): Promise<GuestFile[]> {
  const name = `programs-${programsDigest(toolchain).slice(0, SHORT_DIGEST)}`
  const folder = await publish(join(cacheFolder('programs'), name), compileAll)
  const jobs = [
    ...[...WORKLOADS, ...NETWORK_PARTS, ...TOOLS].map(job => `workloads/${job}`),
    ...BENCH_JOBS.map(job => `bench/${job}`),
  ]
  return [
    { path: 'init', source: join(folder, 'workloads/init') },
    ...jobs.map(path => {
      const compiled = join(folder, path)
      const script = join(SOURCES, path.replace('/', '/shell/').concat('.sh'))
      return { path, source: existsSync(compiled) ? compiled : script }
    }),
  ]
}
