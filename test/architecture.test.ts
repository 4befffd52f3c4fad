// The house rules that a program can check. The tables below are the documentation: who may import whom, what only the
// command line may touch, and how files look. A folder that is not in the table may not exist.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, extname, join, posix } from 'node:path'

const ROOT = dirname(import.meta.dirname)
const ANYTHING = '*'

/**
 * Who may import what, besides itself. The longest entry that names a file counts. A target is a folder, a module
 * (without extension) or a package; `type` before it means `import type` only.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  // Leaves: they know nothing of x86 and import nothing of ours.
  'src/ir': [],
  'src/wasm': [],
  'src/machine/bus': [],
  'src/machine/clock': [],
  'src/machine/line': [],

  // The processor. Only isa knows the decoder library.
  'src/cpu': ['src/isa/features'],
  'src/isa': ['iced-x86', 'src/cpu'],
  'src/semantics': ['src/ir', 'src/cpu', 'src/isa/form'],
  'src/engine': ['src/cpu', 'src/isa', 'src/ir', 'src/semantics', 'src/wasm'],

  // The PC. A chip knows offsets and lines, never the processor; only the migrator knows rewriter and hypervisors.
  'src/devices': ['src/machine/bus', 'src/machine/clock', 'src/machine/line'],
  // What is at the other end of a network card's wire: it sees frames and virtual time.
  'src/network': ['src/machine/clock', 'src/machine/line'],
  'src/machine': [
    'src/cpu',
    'src/engine',
    'src/devices',
    'type src/loader/entry',
    'typed-event-emitter',
    'zod',
    'node:crypto',
  ],
  'src/machine/migrate': ['src/cpu', 'src/machine', 'src/rewriter', 'hypervisors/hypervisor'],

  // Images. They see memory through a MemoryView that is handed to them.
  'src/loader': ['src/isa', 'node:zlib'],
  'src/rewriter': ['src/isa', 'src/loader/elf', 'src/loader/load-error', 'type src/loader/entry'],
  'src/afterburner': ['src/isa/sensitive', 'src/isa/sites', 'src/loader/elf', 'src/loader/load-error'],
  'src/afterburner/inspect': ['src/isa', 'src/loader/elf', 'src/loader/load-error', 'src/loader/symbols'],

  // Hypervisors: each knows the interface, never another one and nothing of our guest.
  'hypervisors/hypervisor': [
    'src/devices/block-storage',
    'type src/machine/host',
    'type src/machine/line',
    'type src/loader/elf',
    'type src/loader/entry',
  ],
  'hypervisors/registry': ['hypervisors'],
  'hypervisors/native': ['hypervisors/hypervisor'],
  'hypervisors/trap': ['hypervisors/hypervisor'],
  'hypervisors/xen': [
    'hypervisors/hypervisor',
    'src/loader/elf',
    'src/loader/load-error',
    'src/loader/packed-kernel',
    'src/loader/xen-notes',
  ],
  'hypervisors/l4': ['hypervisors/hypervisor'],
  'hypervisors/linux': ['hypervisors/hypervisor'],

  // Looking inside, and the library's front door.
  'src/debug': [
    'src/machine',
    'src/cpu/layout',
    'type src/cpu/data-breakpoints',
    'src/engine',
    'src/isa',
    'src/loader/symbols',
  ],
  'src/index': ['src/machine', 'src/cpu', 'src/engine', 'src/isa', 'src/loader', 'src/devices/block-storage'],

  // Programs. Nobody imports them (images: only they themselves do).
  images: ['src/afterburner', 'src/loader', 'node:*'],
  benchmarks: [ANYTHING],
  'src/cli': [ANYTHING],
}

/** Folders that only these may import. */
const PRIVATE: Readonly<Record<string, readonly string[]>> = {
  'src/cli': [],
  benchmarks: ['src/cli'],
  images: ['src/cli', 'benchmarks'],
  test: [],
}

/** Single modules that are programs of their own inside a folder of the library, with what the build needs of them. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'src/engine/build-core': ['node:*'],
  'src/afterburner/main': ['node:*'],
}

/** Where the host's clock, processes and files may be touched. */
const TOUCHES_HOST = ['src/cli', 'images', 'benchmarks', 'test', ...Object.keys(PROGRAMS)]

/** Names of files that follow another rule than kebab-case, and why. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'images/bench': 'a file is named as its job, which is an identifier in shell and JSON',
}

const FOLDERS = ['src', 'hypervisors', 'vmm', 'images', 'benchmarks', 'scripts', 'test']
const SOURCE_KINDS = ['.ts', '.js', '.c', '.h', '.S']
const LINES_AT_MOST = 400

interface Source {
  readonly path: string
  readonly text: string
}

interface Import {
  readonly target: string
  readonly typeOnly: boolean
}

const sources: readonly Source[] = FOLDERS.filter(folder => existsSync(join(ROOT, folder)))
  .flatMap(folder =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && SOURCE_KINDS.includes(extname(entry.name)))
      .map(entry => posix.relative(ROOT, join(entry.parentPath, entry.name))),
  )
  .filter(path => !path.split('/').includes('node_modules'))
  .map(path => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))
const modules = sources.filter(({ path }) => path.endsWith('.ts') && !path.startsWith('test/'))

const within = (path: string, area: string) => path === area || path.startsWith(`${area}/`)
const moduleName = (path: string) => path.replace(/\.(ts|js)$/, '')
const longest = (path: string, areas: readonly string[]) =>
  areas.filter(area => within(path, area)).sort((a, b) => b.length - a.length)[0]

/** The text without comments and without the contents of strings. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g, "''")
}

function importsOf({ path, text }: Source): Import[] {
  const statements = text.matchAll(
    /^(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'|import\('([^']+)'\)/gm,
  )
  return [...statements].map(([, type, from, dynamic]) => {
    const name = (from ?? dynamic)!
    const target = name.startsWith('.') ? moduleName(posix.join(dirname(path), name)) : name
    return { target, typeOnly: type !== undefined }
  })
}

function mayImport(module: string, { target, typeOnly }: Import): boolean {
  const owner = longest(module, Object.keys(ARROWS))
  if (owner === undefined) return false
  if (within(target, owner)) return true
  return [...ARROWS[owner]!, ...(PROGRAMS[module] ?? [])].some(arrow => {
    const [area, onlyTypes] = arrow.startsWith('type ') ? [arrow.slice(5), true] : [arrow, false]
    if (onlyTypes && !typeOnly) return false
    return area === ANYTHING || (area === 'node:*' ? target.startsWith('node:') : within(target, area))
  })
}

/** Fails with one line for each breach. */
function expectNone(breaches: readonly string[]): void {
  expect(breaches).toEqual([])
}

describe('imports', () => {
  test('every folder has its arrows in the table', () => {
    expectNone(modules.filter(({ path }) => !longest(moduleName(path), Object.keys(ARROWS))).map(({ path }) => path))
  })

  test('follow the arrows', () => {
    expectNone(
      modules.flatMap(source =>
        importsOf(source)
          .filter(item => !mayImport(moduleName(source.path), item))
          .map(item => `${source.path} imports ${item.target}${item.typeOnly ? ' (types)' : ''}`),
      ),
    )
  })

  test('of programs come from programs only', () => {
    expectNone(
      modules.flatMap(source =>
        importsOf(source)
          .filter(({ target }) => {
            const area = longest(target, Object.keys(PRIVATE))
            return area && !within(source.path, area) && !PRIVATE[area]!.some(friend => within(source.path, friend))
          })
          .map(({ target }) => `${source.path} imports ${target}`),
      ),
    )
  })

  test.each([
    ['src/devices/chip', 'src/machine/line', false, true],
    ['src/devices/chip', 'src/cpu/layout', false, false],
    ['src/machine/bus', 'src/machine/memory', false, false],
    ['src/machine/machine', 'src/machine/bus', false, true],
    ['src/machine/machine', 'src/loader/entry', true, true],
    ['src/machine/machine', 'src/loader/entry', false, false],
    ['src/semantics/move', 'iced-x86', false, false],
    ['src/engine/build-core', 'node:fs', false, true],
    ['src/engine/core', 'node:fs', false, false],
    ['hypervisors/xen/memory', 'hypervisors/l4/space', false, false],
    ['nowhere/file', 'src/ir/types', false, false],
  ])('the rule itself: %s -> %s (types only: %s) is %s', (from, target, typeOnly, allowed) => {
    expect(mayImport(from, { target, typeOnly })).toBe(allowed)
  })
})

describe('the host', () => {
  const below = modules.filter(({ path }) => !TOUCHES_HOST.some(area => within(moduleName(path), area)))

  test.each([
    [
      'clock',
      /(?<![\w.$])(?:Date\.now\b|(?<!new )Date\(|new Date(?:\(\)|(?!\())|performance\s*\.|set(?:Timeout|Interval|Immediate)\s*\()/,
    ],
    ['process', /(?<![\w.$])process\s*\./],
    [
      'transcendental functions and randomness, which differ between hosts',
      /\bMath\.(?:a?(?:sin|cos|tan)h?|atan2|exp|expm1|log|log2|log10|log1p|pow|cbrt|hypot|random)\b/,
    ],
  ])('%s: touched by the command line and by programs only', (_, pattern) => {
    expectNone(
      below.flatMap(({ path, text }) =>
        code(text)
          .split('\n')
          .filter(line => pattern.test(line))
          .map(line => `${path}: ${line.trim()}`),
      ),
    )
  })
})

describe('files', () => {
  test(`have at most ${LINES_AT_MOST} lines`, () => {
    const lines = ({ text }: Source) => text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    expectNone(
      sources.filter(source => lines(source) > LINES_AT_MOST).map(source => `${source.path}: ${lines(source)}`),
    )
  })

  test('open with a comment that says what they are', () => {
    expectNone(
      sources
        .filter(({ path, text }) => !path.startsWith('test/') && !/^(?:#!.*\n)?(?:\/\/|\/\*)/.test(text))
        .map(({ path }) => path),
    )
  })

  test('are named in kebab-case', () => {
    const kebab = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:system|long))?(?:\.test)?\.(?:d\.ts|ts|js|c|h|S)$/
    expectNone(
      sources
        .filter(({ path }) => !longest(path, Object.keys(OTHER_NAMES)) && !kebab.test(basename(path)))
        .map(({ path }) => path),
    )
  })

  test('hold no enum', () => {
    const enumeration = /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s/m
    expectNone(
      sources.filter(({ path, text }) => path.endsWith('.ts') && enumeration.test(code(text))).map(({ path }) => path),
    )
  })

  test('name no place of one machine', () => {
    const standard = [
      'bin',
      'boot',
      'dev',
      'etc',
      'init',
      'lib',
      'mnt',
      'opt',
      'proc',
      'root',
      'run',
      'sbin',
      'srv',
      'sys',
      'tmp',
      'usr',
      'var',
    ]
    const first = (path: string) => path.split('/')[1]!
    const own = [first(ROOT), first(homedir())].filter(name => !standard.includes(name))
    const place = new RegExp(`(?<![\\w.*)\\]}])/(?:${['home', 'Users', ...own].join('|')})/\\w`)
    expectNone(
      sources.flatMap(({ path, text }) =>
        text
          .split('\n')
          .filter(line => place.test(line))
          .map(line => `${path}: ${line.trim()}`),
      ),
    )
  })
})
