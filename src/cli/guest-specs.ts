// Several guests on one command line: `--guest "IMAGE [--name N] [--append S] ..."` repeated, the words as `run` itself
// takes them for one guest, or `--guests F.json`, an array of objects with the same names.

import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { CommandError } from './failure.js'
import { readInput } from './input-file.js'
import { rewriteQemuSpellings } from './qemu-spellings.js'

/** One guest of several. */
export interface GuestSpec {
  /** In messages, before the lines of its console, in JSON; different for each. */
  readonly name: string
  readonly image: string | undefined
  readonly plain: boolean
  readonly kernel: string | undefined
  readonly initrd: string | undefined
  readonly append: string | undefined
  /** Its own disk image. */
  readonly disk: string | undefined
  /** What it sees as its memory, in bytes; undefined: as `--mem` says for all. */
  readonly memoryBytes: number | undefined
}

type Named = Omit<GuestSpec, 'name'> & { readonly name: string | undefined }
type ParseMemory = (text: string) => number

/** Numbers of domains have one digit, so that what guests read of theirs is equally long. */
const GUESTS_AT_MOST = 8
const NAME = /^[\w.-]+$/

/** The words of a text; quotation marks, single or double, keep spaces together. */
function splitWords(text: string): string[] {
  const words: string[] = []
  const part = /\s*((?:[^\s'"]+|'[^']*'|"[^"]*")+)/y
  const end = text.trimEnd().length
  for (let at = 0; at < end; at = part.lastIndex) {
    part.lastIndex = at
    const [, word] = part.exec(text) ?? []
    if (word === undefined) throw new CommandError(`--guest ${text}: a quotation mark is not closed; close it`)
    words.push(word.replace(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double))
  }
  return words
}

/** One guest from the text of `--guest`. */
function parseSpec(text: string, parseMemory: ParseMemory): Named {
  const command = new Command('--guest')
    .exitOverride()
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .argument('[image]')
    .option('--name <name>')
    .option('--plain')
    .option('--kernel <file>')
    .option('--initrd <file>')
    .option('--append <text>')
    .option('--disk <file>')
    .option('--mem <size>', '', parseMemory)
    .helpOption(false)
  const valued = new Set(command.options.filter(option => option.required).map(option => option.long))
  try {
    command.parse(
      rewriteQemuSpellings(splitWords(text), word => valued.has(word)),
      { from: 'user' },
    )
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    const reason = error.message.replace(/^error: /, '')
    throw new CommandError(
      `--guest ${text}: ${reason}; give IMAGE or --kernel, --name, --initrd, --append, --disk, --mem or --plain`,
    )
  }
  const { mem, plain = false, ...rest } = command.opts()
  const spec = { image: command.args[0], plain, memoryBytes: mem, ...rest } as Named
  return { ...spec, kernel: rest.kernel, initrd: rest.initrd, append: rest.append, disk: rest.disk, name: rest.name }
}

const TEXTS = ['name', 'image', 'kernel', 'initrd', 'append', 'disk', 'mem'] as const

function readSpecs(file: string, parseMemory: ParseMemory): Named[] {
  const wrong = (what: string) => new CommandError(`${file}: ${what}; give an array of guests, see previrt run --help`)
  let found: unknown
  try {
    found = JSON.parse(new TextDecoder().decode(readInput(file).bytes))
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw wrong(`not JSON (${(error as Error).message})`)
  }
  if (!Array.isArray(found) || found.length === 0) throw wrong('no array, or an empty one')
  return found.map((given: unknown, n): Named => {
    if (typeof given !== 'object' || given === null) throw wrong(`guest ${n} is no object`)
    const entries = Object.entries(given)
    for (const [key, value] of entries) {
      const type = key === 'plain' ? 'boolean' : TEXTS.some(name => name === key) ? 'string' : undefined
      if (type === undefined) throw wrong(`guest ${n} has an unknown '${key}'`)
      if (typeof value !== type) throw wrong(`guest ${n}: ${key} is no ${type}`)
    }
    const { mem, plain = false, ...texts } = Object.fromEntries(entries) as Record<string, string> & { plain?: boolean }
    const [name, image, kernel, initrd, append, disk] = TEXTS.map(key => texts[key])
    const memoryBytes = mem === undefined ? undefined : memoryOf(file, mem, parseMemory)
    return { name, image, plain, kernel, initrd, append, disk, memoryBytes }
  })
}
function memoryOf(file: string, text: string, parseMemory: ParseMemory): number {
  try {
    return parseMemory(text)
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw new CommandError(`${file}: mem ${text}: ${error.message}`)
    throw error
  }
}

/**
 * The guests that `--guest` and `--guests` ask for, each with a name of its own.
 * @throws CommandError for what cannot be read or means nothing
 */
export function guestSpecs(texts: readonly string[], file: string | undefined, parseMemory: ParseMemory): GuestSpec[] {
  const given = [
    ...texts.map(text => parseSpec(text, parseMemory)),
    ...(file === undefined ? [] : readSpecs(file, parseMemory)),
  ]
  if (given.length > GUESTS_AT_MOST) throw new CommandError(`${given.length} guests: give ${GUESTS_AT_MOST} at most`)
  const taken = new Set<string>()
  for (const { name, image, kernel } of given) {
    if ((image === undefined) === (kernel === undefined))
      throw new CommandError(`--guest ${name ?? image ?? ''}: give an image or --kernel, one of them`)
    if (name === undefined) continue
    if (!NAME.test(name)) throw new CommandError(`--guest --name ${name}: use letters, digits, '.', '_' and '-'`)
    if (taken.has(name)) throw new CommandError(`--guest --name ${name}: two guests have it; name them differently`)
    taken.add(name)
  }
  return given.map(spec => {
    const name = spec.name ?? freeName((spec.image ?? spec.kernel)!, taken)
    taken.add(name)
    return { ...spec, name }
  })
}

/** The name of a file, with a number where it is taken. */
function freeName(file: string, taken: ReadonlySet<string>): string {
  const base = file.slice(file.lastIndexOf('/') + 1).replace(/[^\w.-]/g, '_')
  let name = base
  for (let n = 2; taken.has(name); n++) name = `${base}-${n}`
  return name
}
