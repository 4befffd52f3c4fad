// Profile feedback on the mini kernel: a store named by its address becomes a site in the next build.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildAssembler } from '../../images/assembler.js'
import { buildMini } from '../../images/mini/build.js'
import { compareImages } from '../../src/afterburner/inspect/against.js'
import { inspectImage } from '../../src/afterburner/inspect/inspect.js'
import { profileStores } from '../../src/afterburner/inspect/profile.js'
import { cpuModel } from '../../src/cpu/models.js'
import { TableStoreRecorder } from '../../src/debug/table-stores.js'
import { loadLinux } from '../../src/loader/linux.js'
import { enter } from '../../src/machine/entry.js'
import { Machine } from '../../src/machine/machine.js'

const folder = mkdtempSync(join(tmpdir(), 'profile-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function build(name: string, profile: string, ...compilerFlags: string[]): Promise<string> {
  const assembler = join(folder, `${name}-as`)
  for (const each of [assembler, join(folder, name)]) mkdirSync(each)
  await buildAssembler(assembler, profile)
  return buildMini(join(folder, name), { folder: assembler, compilerFlags, profile, digest: '' })
}

/** Addresses of objdump's lines in a function that match. */
function find(path: string, name: string, pattern: RegExp): number[] {
  const text = execFileSync('objdump', ['-d', '--no-show-raw-insn', `--disassemble=${name}`, path], {
    encoding: 'utf8',
  })
  return [...text.matchAll(/^([0-9a-f]{8}):\t(.*)$/gm)]
    .filter(match => pattern.test(match[2]!))
    .map(match => Number.parseInt(match[1]!, 16))
}

test('stores that a run found are sites in the next build', async () => {
  const first = await build('first', '')
  const bytes = readFileSync(first)
  // The TSS is a table that no header declares; the others stand for anything else.
  const STORE = /^mov +%\w+,0x801/
  const stores = ['load_process_descriptors', 'interrupt', 'schedule'].flatMap(name =>
    find(first, name, STORE).slice(0, 1),
  )
  expect(stores.length).toBeGreaterThanOrEqual(2)
  const cli = find(first, 'check_interrupt_flag', /^cli/)
  const profile = profileStores(first, bytes, [...stores, ...stores, cli[0]!, 0x80100001, 5])
  expect(profile.lines).toHaveLength(stores.length)
  expect(profile.known).toEqual([cli[0]])
  expect(profile.unknown).toContain(5)
  const second = await build('second', `${profile.lines.join('\n')}\nnot_there 3 9\nschedule 1 1\n`)
  const report = inspectImage(second, readFileSync(second))
  expect(report.complete).toBe(true)
  expect(report.classes.find(each => each.name === 'profiled_store')?.sites).toBe(stores.length)
  // Nothing but padding was added, and the same stores are known now.
  expect(compareImages(second, readFileSync(second), first, bytes).unproved).toEqual([])
  const again = find(second, 'interrupt', STORE)
  expect(profileStores(second, readFileSync(second), again).known).toEqual(again)
}, 60_000)

/** Runs workloads and returns how often each instruction stored to a live table. */
function record(path: string, workloads: string): ReadonlyMap<number, number> {
  const machine = new Machine({ memory: 32 << 20, model: cpuModel('pentium3'), engine: 'interpreter' })
  let text = ''
  machine.onConsole = byte => {
    text += String.fromCharCode(byte)
  }
  const kernel = { file: path, bytes: new Uint8Array(readFileSync(path)) }
  enter(machine.cpu, loadLinux(machine.memory, { kernel, commandLine: `workload=${workloads}` }).entry)
  const recorder = new TableStoreRecorder(machine, 0x80000000)
  expect(recorder.run(50_000_000).kind).toBe('power-off')
  expect(text.split('\n').filter(line => / [1-9]\d*$/.test(line))).toEqual([])
  return recorder.stores
}

test('a recorded run finds the stores that no source declares, and none is left after the next build', async () => {
  // The kernel whose page tables and descriptors are written by plain stores.
  const first = await build('undeclared', '', '-UAFTERBURN')
  const stores = record(first, 'fork,tls')
  const profile = profileStores(first, readFileSync(first), [...stores.keys()])
  expect(profile.unknown).toEqual([])
  expect(profile.lines.some(line => line.startsWith('resolve_fault '))).toBe(true)
  const second = await build('profiled', profile.lines.map(line => `${line}\n`).join(''), '-UAFTERBURN')
  const bytes = readFileSync(second)
  expect(inspectImage(second, bytes)).toMatchObject({ complete: true })
  // Other workloads than the profile was taken with.
  const again = record(second, 'exec,pipe')
  const left = profileStores(second, bytes, [...again.keys()])
  const total = [...again.values()].reduce((sum, count) => sum + count, 0)
  const known = left.known.reduce((sum, address) => sum + again.get(address)!, 0)
  expect(total).toBeGreaterThan(100)
  expect(known / total).toBeGreaterThanOrEqual(0.999)
}, 120_000)
