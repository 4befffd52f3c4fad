// Assembles small sources with the system's assembler and with the afterburner in front of it, and reads the results
// with objdump, which is independent of both.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buildAssembler } from '../../images/assembler.js'

/** One line of objdump's disassembly. */
export interface Line {
  address: number
  bytes: number
  text: string
}

/** A record, its address relative to the start of its section. */
export interface RawRecord {
  address: number
  instructionBytes: number
  bytes: number
  class: number
  flags: number
}

/** Padding of ours, and the assembler's own between functions and loops. */
const NOP = /^(?:nop|xchg %ax,%ax|lea 0x0\((%\w+)(?:,%eiz,1)?\),\1$)/

/** A folder with the compiled afterburner. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'workshop-'))
  private count = 0

  async open(): Promise<void> {
    mkdirSync(join(this.folder, 'as'))
    await buildAssembler(join(this.folder, 'as'))
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Runs gcc -c; returns the messages and, when it succeeded, the object's path. */
  compile(name: string, source: string, options: { plain?: boolean; output?: string; flags?: string[] } = {}) {
    const object = join(this.folder, options.output ?? `${++this.count}.o`)
    mkdirSync(dirname(object), { recursive: true })
    const file = join(this.folder, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, source)
    const annotate = options.plain ? [] : [`-B${this.folder}/as/`]
    const flags = [
      '-m32',
      '-march=i686',
      '-O2',
      '-fno-pic',
      '-fno-asynchronous-unwind-tables',
      ...(options.flags ?? []),
    ]
    const run = spawnSync('gcc', [...annotate, ...flags, '-c', '-o', object, file], {
      encoding: 'utf8',
      cwd: this.folder,
    })
    return { object, ok: run.status === 0, messages: run.stderr }
  }

  /** Assembles a source that must assemble. */
  assemble(source: string, options: { plain?: boolean; output?: string } = {}): string {
    const result = this.compile('source.S', `${source}\n`, options)
    if (!result.ok) throw new Error(result.messages)
    return result.object
  }

  /** The instructions of a source in both forms, without padding, and the records of the annotated one. */
  both(source: string) {
    const plain = disassemble(this.assemble(source, { plain: true }))
    const object = this.assemble(source)
    const lines = disassemble(object)
    return { object, plain, lines, useful: useful(lines), records: readRecords(object) }
  }
}

/** objdump's disassembly of .text. */
export function disassemble(object: string, section = '.text'): Line[] {
  const text = execFileSync('objdump', ['-dw', '-j', section, '--no-show-raw-insn', object], { encoding: 'utf8' })
  const addresses = [...text.matchAll(/^ *([0-9a-f]+):\t(.*)$/gm)].map(match => ({
    address: Number.parseInt(match[1]!, 16),
    text: match[2]!.replace(/\s+/g, ' ').trim(),
  }))
  const size = sectionSize(object, section)
  return addresses.map((line, i) => ({ ...line, bytes: (addresses[i + 1]?.address ?? size) - line.address }))
}

function sectionSize(object: string, section: string): number {
  const text = execFileSync('objdump', ['-h', object], { encoding: 'utf8' })
  const row = text.split('\n').find(line => line.split(/\s+/)[2] === section)
  return Number.parseInt(row!.trim().split(/\s+/)[2]!, 16)
}

/** Without instructions that do nothing. */
export function useful(lines: readonly Line[]): Line[] {
  return lines.filter(line => !NOP.test(line.text))
}

/** The records as they stand in the object file; their addresses are offsets before relocation. */
export function readRecords(object: string): RawRecord[] {
  const file = `${object}.records`
  spawnSync('objcopy', ['--dump-section', `.afterburn=${file}`, object])
  if (!existsSync(file)) return []
  const bytes = readFileSync(file)
  return Array.from({ length: bytes.length / 8 }, (_, i) => ({
    address: bytes.readUInt32LE(i * 8),
    instructionBytes: bytes[i * 8 + 4]!,
    bytes: bytes[i * 8 + 5]!,
    class: bytes[i * 8 + 6]!,
    flags: bytes[i * 8 + 7]!,
  }))
}
