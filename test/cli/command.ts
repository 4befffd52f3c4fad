// Runs command lines in this process, with what they write caught, and guests made by hand: machine code behind a
// multiboot header.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommandLine } from '../../src/cli/program.js'

export interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `previrt WORDS`. Guests must not use standard input: give --serial none or file. */
export async function previrt(...words: string[]): Promise<Outcome> {
  const caught = { stdout: '', stderr: '' }
  const catchFrom = (name: 'stdout' | 'stderr') => {
    const stream = process[name]
    const { write } = stream
    stream.write = (text: string | Uint8Array) => {
      caught[name] += typeof text === 'string' ? text : Buffer.from(text).toString('latin1')
      return true
    }
    return () => {
      stream.write = write
    }
  }
  const restore = [catchFrom('stdout'), catchFrom('stderr')]
  try {
    return { status: await runCommandLine(words), ...caught }
  } finally {
    for (const act of restore) act()
  }
}

/** A folder for a test file, removed at its end. */
export function testFolder(): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'cli-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return name => join(folder, name)
}

const LOAD_ADDRESS = 0x100000
const HEADER_BYTES = 32
const MAGIC = 0x1badb002
const ADDRESSES_GIVEN = 0x10000

/** First address of a guest's code. */
export const CODE = LOAD_ADDRESS + HEADER_BYTES

/** A multiboot file (0.6.96, with addresses in its header) of 32-bit code that starts at CODE. */
export function multibootFile(code: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + code.length)
  const view = new DataView(bytes.buffer)
  const header = [MAGIC, ADDRESSES_GIVEN, -(MAGIC + ADDRESSES_GIVEN), LOAD_ADDRESS, LOAD_ADDRESS, 0, 0, CODE]
  header.forEach((word, i) => {
    view.setUint32(4 * i, word >>> 0, true)
  })
  bytes.set(code, HEADER_BYTES)
  return bytes
}

export function writeGuest(path: string, ...parts: (readonly number[])[]): string {
  writeFileSync(path, multibootFile(parts.flat()))
  return path
}

/** `mov dx, port; mov al, value; out dx, al` */
const outByte = (port: number, value: number) => [0x66, 0xba, port & 0xff, port >> 8, 0xb0, value, 0xee]
/** Writes a text to COM1. */
export const com1 = (text: string) => [...Buffer.from(text, 'latin1')].flatMap(byte => outByte(0x3f8, byte))
/** Writes a text to the debug console. */
export const debugConsole = (text: string) => [...Buffer.from(text, 'latin1')].flatMap(byte => [0xb0, byte, 0xe6, 0xe9])
export const debugExit = (value: number) => outByte(0xf4, value)
export const post = (value: number) => outByte(0x80, value)
/** ACPI power-off: `mov dx, 0x604; mov ax, 0x2000; out dx, ax` */
export const powerOff = [0x66, 0xba, 0x04, 0x06, 0x66, 0xb8, 0x00, 0x20, 0x66, 0xef]
/** Reset by the keyboard controller. */
export const reset = outByte(0x64, 0xfe)
/** `cli; hlt` */
export const halt = [0xfa, 0xf4]
/** `ud2` without an IDT. */
export const tripleFault = [0x0f, 0x0b]
/** `jmp $` */
export const spin = [0xeb, 0xfe]
