// The options of `run`: declared for commander, then checked and turned into the quantities that the rest works with.
// Options that are promised but missing in this version are declared too and refused by name.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { hypervisorKind } from '../../hypervisors/registry.js'
import { type TraceKind, traceKinds } from '../debug/trace.js'
import { parseRomOption } from '../loader/rom.js'
import { CommandError, notInThisVersion } from './failure.js'
import { type GuestSpec, guestSpecs } from './guest-specs.js'

/** A file, and the command line that goes with it. */
export interface ModuleOption {
  readonly file: string
  readonly commandLine: string | undefined
}

/** Everything that `run` was asked for. */
export interface RunOptions {
  /** Several guests at once; then the options of the one guest are not given. */
  readonly guests: readonly GuestSpec[]
  /** Image name or file. */
  readonly image: string | undefined
  /** The unannotated twin of a named image. */
  readonly plain: boolean
  readonly kernel: string | undefined
  readonly initrd: string | undefined
  readonly append: string | undefined
  /** Guest memory in bytes. */
  readonly memoryBytes: number
  readonly disk: string | undefined
  readonly net: 'user' | 'none'
  readonly multiboot: string | undefined
  readonly modules: readonly ModuleOption[]
  readonly roms: readonly { readonly file: string; readonly address: number }[]
  /** Name of the path. */
  readonly on: string
  /** Flavour of the path. */
  readonly profile: string | undefined
  /** The guest controls the machine beside the hypervisor. */
  readonly privileged: boolean
  readonly cpu: string
  readonly engine: string
  /** Of lockstep's slice lengths and thresholds. */
  readonly seed: number
  /** Count sensitive instructions that the rewriter did not reach. */
  readonly checkSites: boolean
  /** Count sensitive instructions by class. */
  readonly countSensitive: boolean
  readonly realtime: boolean
  /** `stdio`, `none` or a file. */
  readonly serial: 'stdio' | 'none' | { readonly file: string }
  readonly expect: string | undefined
  /** Instructions. */
  readonly budget: number | undefined
  readonly timeoutSeconds: number | undefined
  readonly json: boolean
  readonly debugExitRaw: boolean
  readonly haltOk: boolean
  readonly trace: readonly TraceKind[]
  /** Where the profile goes. */
  readonly profileFile: string | undefined
  /** TCP port of the gdb server. */
  readonly gdbPort: number | undefined
  /** Do not start before the debugger says so. */
  readonly wait: boolean
}

/** What IMAGE may be besides a file. */
export const IMAGE_NAMES: readonly string[] = ['linux', 'linux-net', 'mini']
const DEFAULT_ENGINE = 'blocks'
const DEFAULT_CPU = 'pentium3'
/** Multiboot test kernels want a local APIC. */
const MULTIBOOT_CPU = 'pentium4'
/** What guests see on every virtualized path. */
const GUEST_CPU = 'previrt-guest'
/** The hardware under Xen: its guests page with PAE. */
const XEN_CPU = 'pentium4'
/** What --engine may be. */
export const ENGINES = ['reference', 'interpreter', 'blocks', 'lockstep']
const PATHS = ['native', 'trap', 'xen', 'l4', 'linux']
const POLICIES = ['all', 'vtx']
const XEN_PROFILES = ['4.17', '3.0']
const MEBIBYTE = 0x100000
const MEMORY_LIMITS_MEBIBYTES = [1, 1024] as const

/** Options that are promised and that this version refuses, as commander takes them. */
const MISSING = ['--l4-profile <profile>', '--migrate-at <text=path>', '--snapshot-at <text=file>', '--restore <file>']

const HELP_END = `
Ctrl-A x leaves a guest. QEMU's spellings are understood too:
-kernel -initrd -append -m -cpu -nographic -serial -s -S -no-reboot.`

const cpuHelp = `CPU model (default: ${DEFAULT_CPU} on native, ${MULTIBOOT_CPU} with --multiboot, ${XEN_CPU} on xen, else ${GUEST_CPU})`
const defaultCpu = (path: string, multiboot: boolean) =>
  multiboot ? MULTIBOOT_CPU : path === 'native' ? DEFAULT_CPU : path === 'xen' ? XEN_CPU : GUEST_CPU

/** What a guest sees as its memory where no --mem is given. */
const DEFAULT_MEMORY = 128 * MEBIBYTE

/** Guest memory in bytes from `128M`, `1G`, `65536K` or a bare number of MiB. Throws what commander reports. */
export function parseMemory(text: string): number {
  const match = /^(\d+)([KMG]?)$/i.exec(text)
  const unit = { K: 1024, M: MEBIBYTE, G: 1024 * MEBIBYTE }[(match?.[2] || 'M').toUpperCase()]
  if (!match || !unit) throw new InvalidArgumentError('Write for example 128M.')
  const bytes = Number(match[1]) * unit
  const [least, most] = MEMORY_LIMITS_MEBIBYTES
  if (bytes < least * MEBIBYTE || bytes > most * MEBIBYTE || bytes % 4096 !== 0)
    throw new InvalidArgumentError(`Give ${least}M to ${most}M in steps of 4K.`)
  return bytes
}

/** A whole number of at least 1; `5M` is five million, K and G as well. */
export function parseCount(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([KMG]?)$/i.exec(text)
  const scale = { '': 1, K: 1e3, M: 1e6, G: 1e9 }[(match?.[2] ?? '').toUpperCase()]
  const value = Number(match?.[1]) * (scale ?? Number.NaN)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Give a whole number above 0; 5M is five million.')
  return value
}

function parseSeconds(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0
  if (value <= 0) throw new InvalidArgumentError('Give seconds, more than 0.')
  return value
}

function parsePort(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (value < 0 || value > 65535) throw new InvalidArgumentError('Give a TCP port, 0 to 65535 (0: any free one).')
  return value
}

function parseSerial(text: string): RunOptions['serial'] {
  if (text === 'stdio' || text === 'none') return text
  if (text.startsWith('file:') && text.length > 5) return { file: text.slice(5) }
  throw new InvalidArgumentError('Write stdio, none or file:NAME.')
}

function parseTrace(text: string): TraceKind[] {
  const kinds = text.split(',')
  const known = traceKinds.filter(kind => kinds.includes(kind))
  if (known.length !== new Set(kinds).size)
    throw new InvalidArgumentError(`Write one or more of ${traceKinds.join(',')}.`)
  return known
}

function parseModule(text: string): ModuleOption {
  const split = text.lastIndexOf('=')
  if (split < 1) return { file: text, commandLine: undefined }
  return { file: text.slice(0, split), commandLine: text.slice(split + 1) }
}

function collect<T>(parse: (text: string) => T): (text: string, before: readonly T[]) => T[] {
  return (text, before) => [...before, parse(text)]
}

/** `--mem`, as help shows it. */
export function memoryOption(what: string): Option {
  return new Option('--mem <size>', what)
    .argParser(parseMemory)
    .default(DEFAULT_MEMORY, `${DEFAULT_MEMORY / MEBIBYTE}M`)
}

/** Declares the options of `run`. */
export function addRunOptions(command: Command): Command {
  const choice = (flags: string, text: string, choices: readonly string[], initial?: string) => {
    const option = new Option(flags, text).choices(choices)
    return initial === undefined ? option : option.default(initial)
  }
  command
    .argument('[image]', 'linux, linux-net, mini, or a kernel file')
    .addOption(choice('--on <path>', 'how the guest is run; l4 and linux are not in this version', PATHS, 'native'))
    .option('--plain', 'the unannotated twin of the named image')
    .option('--kernel <file>', 'vmlinux, bzImage or another ELF file with the Linux boot protocol')
    .option('--initrd <file>', 'initial RAM disk')
    .option('--append <text>', "the kernel's command line")
    .option(
      '--guest <words>',
      'one of several guests, may be repeated: "linux --name a --append workload=sort --mem 64M" (--on xen)',
      collect(text => text),
      [],
    )
    .option('--guests <file>', 'the same from a JSON array of {image|kernel, name, initrd, append, disk, mem, plain}')
    .addOption(memoryOption('guest memory'))
    .option('--disk <file>', 'raw image of the IDE disk; the guest writes to it')
    .addOption(choice('--net <kind>', 'network card: user has a gateway at 10.0.2.2', ['user', 'none'], 'none'))
    .option('--module <file[=cmdline]>', 'multiboot module, may be repeated', collect(parseModule), [])
    .option('--multiboot <file>', 'multiboot kernel')
    .option('--rom <file@address>', 'ROM image, may be repeated', collect(parseRomOption), [])
    .option('--cpu <model>', cpuHelp)
    .addOption(choice('--trap-policy <policy>', 'what exits on trap: all sensitive instructions, or as VT-x', POLICIES))
    .addOption(choice('--xen-profile <version>', 'which Xen', XEN_PROFILES))
    .option('--xen-dom0', "the guest is Xen's control domain")
    .addOption(choice('--engine <name>', 'how instructions are executed', ENGINES, DEFAULT_ENGINE))
    .option('--seed <n>', 'of lockstep: which slices and thresholds are tried', parseCount, 1)
    .option('--check-sites', 'count sensitive instructions of a rewritten kernel outside its sites')
    .option('--count-sensitive', 'with --json: sensitive instructions by class and owner; takes longer')
    .option('--realtime', 'virtual time does not run ahead of the host')
    .option('--serial <where>', 'guest console: stdio, none or file:NAME', parseSerial, 'stdio')
    .option('--expect <text>', 'end with 0 when the console has shown this')
    .option('--budget <n>', 'end after so many instructions (4)', parseCount)
    .option('--timeout <seconds>', 'end after so many seconds of the host (4)', parseSeconds)
    .option('--json', 'one JSON line on standard output; the console goes to standard error')
    .addOption(choice('--debug-exit <how>', 'exit status (value << 1) | 1, as QEMU', ['raw']))
    .option('--halt-ok', 'a guest that halts for ever has ended well')
    .option('--trace <what>', `lines on standard error: ${traceKinds.join(', ')}`, parseTrace, [])
    .option('--profile <file>', 'where the instructions are spent, by symbol')
    .option('--gdb <port>', 'gdb server on this port of 127.0.0.1', parsePort)
    .addOption(new Option('--wait').hideHelp())
  command.addHelpText('after', HELP_END)
  for (const flags of MISSING) command.addOption(new Option(flags, 'not in this version').hideHelp())
  return command
}

/**
 * Checks what commander parsed.
 * @throws CommandError for combinations that mean nothing and for what this version lacks
 */
export function readRunOptions(image: string | undefined, given: Record<string, unknown>): RunOptions {
  const name = (flags: string) => flags.split(' ')[0]!
  const key = (option: string) => option.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
  const missing = MISSING.map(name).find(option => given[key(option)] !== undefined)
  if (missing !== undefined) throw notInThisVersion(missing)
  const on = given.on as string
  if (!hypervisorKind(on)) throw notInThisVersion(`--on ${on}`)
  const value = <T>(option: string) => given[key(option)] as T
  const what = [image && 'IMAGE', ...['--kernel', '--multiboot', '--rom'].filter(option => value<unknown>(option))]
  const options: RunOptions = {
    guests: guestSpecs(value('--guest'), value('--guests'), parseMemory),
    image,
    plain: value('--plain') ?? false,
    kernel: value('--kernel'),
    initrd: value('--initrd'),
    append: value('--append'),
    memoryBytes: value('--mem'),
    disk: value('--disk'),
    net: value('--net'),
    multiboot: value('--multiboot'),
    modules: value('--module'),
    roms: value('--rom'),
    on,
    profile: on === 'xen' ? value('--xen-profile') : value('--trap-policy'),
    privileged: value('--xen-dom0') ?? false,
    cpu: value('--cpu') ?? defaultCpu(on, value('--multiboot') !== undefined),
    engine: value('--engine'),
    seed: value('--seed'),
    checkSites: value('--check-sites') ?? false,
    countSensitive: value('--count-sensitive') ?? false,
    realtime: value('--realtime') ?? false,
    serial: value('--serial'),
    expect: value('--expect'),
    budget: value('--budget'),
    timeoutSeconds: value('--timeout'),
    json: value('--json') ?? false,
    debugExitRaw: value('--debug-exit') === 'raw',
    haltOk: value('--halt-ok') ?? false,
    trace: value('--trace'),
    profileFile: value('--profile'),
    gdbPort: value('--gdb'),
    wait: value('--wait') ?? false,
  }
  const kinds = what.filter(kind => kind && !(kind === '--rom' && options.roms.length === 0)) as string[]
  if (options.guests.length > 0)
    return checkGuests(options, kinds[0] ?? NOT_WITH_GUESTS.find(flag => value<unknown>(flag)))
  if (given.trapPolicy !== undefined && on !== 'trap') throw new CommandError('--trap-policy: only with --on trap')
  const xenOption = ['--xen-profile', '--xen-dom0'].find(option => value<unknown>(option) !== undefined)
  if (xenOption !== undefined && on !== 'xen') throw new CommandError(`${xenOption}: only with --on xen`)
  return checkGuest(options, kinds)
}

/** @param kinds the options that say what is run; there should be one */
function checkGuest(options: RunOptions, kinds: readonly string[]): RunOptions {
  const { on, roms, modules, multiboot, initrd, expect, trace, engine } = options
  if (kinds.length === 0) throw new CommandError('nothing to run: give an image, --kernel, --multiboot or --rom')
  if (kinds.length > 1) throw new CommandError(`${kinds.join(' and ')}: give only one of them`)
  if (modules.length > 0 && multiboot === undefined) throw new CommandError('--module: only with --multiboot')
  if (initrd !== undefined && kinds[0] !== '--kernel' && kinds[0] !== 'IMAGE')
    throw new CommandError('--initrd: only with --kernel or an image')
  if (options.privileged && options.disk !== undefined)
    throw new CommandError('--disk: the control domain has no virtual disk; leave --xen-dom0 out')
  if (roms.length > 0 && on !== 'native') throw new CommandError(`--rom: not with --on ${on}; give a kernel`)
  if (expect === '') throw new CommandError('--expect: give a text that is not empty')
  const debugged = options.gdbPort !== undefined
  const looking = trace.length > 0 ? '--trace' : options.profileFile !== undefined ? '--profile' : undefined
  const ofOneEngine = [
    debugged && '--gdb',
    looking,
    options.checkSites && '--check-sites',
    options.countSensitive && '--count-sensitive',
  ].find(Boolean)
  if (ofOneEngine && engine === 'lockstep')
    throw new CommandError(`${ofOneEngine}: not with --engine lockstep; use another engine`)
  if (options.countSensitive && !options.json) throw new CommandError('--count-sensitive: only with --json')
  if (looking && debugged) throw new CommandError(`${looking}: not with --gdb; use one of them`)
  if (options.wait && !debugged) throw new CommandError('-S: only with --gdb or -s')
  return options
}

/** Options of one guest and its machine that mean nothing, or are not there yet, where there are several. */
const NOT_WITH_GUESTS = [
  ...['--initrd', '--append', '--disk', '--plain', '--xen-dom0', '--check-sites', '--count-sensitive'],
  ...['--gdb', '--profile', '--wait'],
]
/** What the text of --guest takes. */
const OF_ONE_GUEST = ['IMAGE', '--kernel', '--initrd', '--append', '--disk', '--plain']

/** @param refused an option that was given and is not for several guests */
function checkGuests(options: RunOptions, refused: string | undefined): RunOptions {
  const { on, net, trace, engine, expect } = options
  const flag = refused ?? (net !== 'none' ? '--net' : trace.length > 0 ? '--trace' : undefined)
  if (flag !== undefined) {
    const remedy = OF_ONE_GUEST.includes(flag) ? 'say it in the text of --guest' : 'run one guest alone'
    throw new CommandError(`${flag === '--wait' ? '-S' : flag}: not with --guest; ${remedy}`)
  }
  if (!hypervisorKind(on)!.hostsSeveral) throw notInThisVersion(`--guest --on ${on}`)
  if (engine === 'lockstep') throw new CommandError('--engine lockstep: not with --guest; use another engine')
  if (expect === '') throw new CommandError('--expect: give a text that is not empty')
  return options
}
