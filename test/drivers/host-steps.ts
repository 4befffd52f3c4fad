// The host's CPU as oracle for single instructions at CPL 3: a tracer single-steps a 32-bit process, one record for each
// instruction, with any registers, x87 and SSE state, and segments from an LDT with limits, 16-bit and expand-down ones.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'

// Linear addresses of the process: two pages of code, four of data, one of data that cannot be written.
export const CODE = 0x10000000
export const CODE_BYTES = 0x2000
export const DATA = 0x20000000
export const DATA_BYTES = 0x4000
export const READ_ONLY = 0x30000000
/** What is kept of the data pages, across the middle of them. */
export const WINDOW = DATA + 0x1e00
/** The second and third page of data as the end and the beginning of 64 KiB. */
export const ROUND = 0x28000000
export const WINDOW_BYTES = 1024

/** A record is this many bytes: the state before the instruction, overwritten with that behind it. */
export const RECORD = 1632
/** Offsets of its fields; segments are CS DS ES SS FS GS, `fx` an FXSAVE image. */
export const at = {
  registers: 0,
  eip: 32,
  eflags: 36,
  segments: 40,
  fsBase: 52,
  gsBase: 56,
  codeAt: 60,
  code: 64,
  memory: 80,
  signal: 1104,
  signalCode: 1108,
  address: 1112,
  fx: 1120,
} as const

/** The LDT: base, limit, 32-bit, contents (0 data, 1 expand-down, 2 code), read or execute only, in pages, absent. */
export const LDT: readonly (readonly [number, number, number, number, number, number, number])[] = [
  [CODE, 0xffff, 0, 2, 0, 0, 0],
  [DATA, 0xffff, 0, 0, 0, 0, 0],
  [DATA, 0x27ff, 1, 0, 0, 0, 0],
  [DATA, 0x1fff, 1, 1, 0, 0, 0],
  [DATA, 0x1fff, 0, 1, 0, 0, 0],
  [DATA, 0x3fff, 1, 0, 1, 0, 0],
  [CODE, 0x1fff, 1, 2, 1, 0, 0],
  [DATA, 0x3fff, 1, 0, 0, 0, 1],
  [CODE, 0x1fff, 1, 2, 0, 0, 0],
  [DATA, 0x3, 1, 0, 0, 1, 0],
  [ROUND, 0xffff, 0, 0, 0, 0, 0],
  [CODE + CODE_BYTES - 0x10000, 0xffff, 0, 2, 0, 0, 0],
]
/** Selectors of the host's flat segments. */
export const FLAT_CODE = 0x23
export const FLAT_DATA = 0x2b

/** The records after their instructions; where the host cannot, why not. AMD's order of faults is another. */
export function hostSteps(records: Uint8Array): Buffer | string {
  if (process.arch !== 'x64' || process.platform !== 'linux') return `the host is ${process.platform} ${process.arch}`
  const model = cpus()[0]?.model ?? 'of an unknown kind'
  if (!model.includes('Intel')) return `its processor is ${model}, not Intel's`
  const folder = mkdtempSync(join(tmpdir(), 'previrt-host-steps-'))
  try {
    const source = (name: string) => join(import.meta.dirname, 'host-steps', name)
    const [tracer, tracee] = [join(folder, 'tracer'), join(folder, 'tracee')]
    try {
      execFileSync('gcc', ['-O1', '-o', tracer, source('tracer.c')], { stdio: 'pipe' })
      execFileSync('gcc', ['-m32', '-O1', '-o', tracee, source('tracee.c')], { stdio: 'pipe' })
    } catch (error) {
      return `gcc -m32 does not work here: ${String(error).split('\n')[0]}`
    }
    const args = [tracee, ...LDT.flat().map(String)]
    const { stdout, stderr } = spawnSync(tracer, args, { input: records, maxBuffer: 1 << 30 })
    if (stdout.length === records.length) return stdout
    return `a process cannot be traced here: it ended after ${stdout.length / RECORD} steps ${stderr.toString()}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
