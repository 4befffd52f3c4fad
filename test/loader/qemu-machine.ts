// Runs a guest on QEMU for tests that need an independent machine: waits for text on the serial line and saves physical
// memory. QEMU is ended when the test is.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const haveQemu = spawnSync('qemu-system-i386', ['--version']).status === 0

const POLL_MILLISECONDS = 50
const POLLS_AT_MOST = 1200

/** A running guest. `console` is what it has printed so far. */
export class QemuMachine {
  readonly folder = mkdtempSync(join(tmpdir(), 'previrt-qemu-'))
  private readonly child: ChildProcess
  private output = ''
  private ended = false

  constructor(args: readonly string[]) {
    const common = ['-accel', 'tcg', '-m', '128', '-display', 'none', '-net', 'none', '-no-reboot']
    const channels = ['-serial', `file:${join(this.folder, 'serial')}`, '-monitor', 'stdio']
    this.child = spawn('qemu-system-i386', [...common, ...channels, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.child.stdout!.resume()
    this.child.stderr!.on('data', chunk => {
      this.output += chunk
    })
    this.child.on('close', () => {
      this.ended = true
    })
  }

  get console(): string {
    const serial = join(this.folder, 'serial')
    return this.output + (existsSync(serial) ? readFileSync(serial, 'latin1') : '')
  }

  /** Resolves when `text` has appeared; throws with the console if the guest ends first. */
  async until(text: string): Promise<void> {
    for (let polls = 0; ; polls++) {
      await new Promise(resolve => setTimeout(resolve, POLL_MILLISECONDS))
      const seen = this.console
      if (seen.includes(text)) return
      if (this.ended || polls === POLLS_AT_MOST) throw new Error(`QEMU ended before "${text}":\n${seen}`)
    }
  }

  /** Bytes of physical memory. */
  async memory(address: number, bytes: number): Promise<Uint8Array> {
    const file = join(this.folder, `memory-${address}`)
    this.child.stdin!.write(`pmemsave ${address} ${bytes} "${file}"\n`)
    const written = () => (existsSync(file) ? statSync(file).size : 0)
    for (let polls = 0; written() < bytes && polls < POLLS_AT_MOST && !this.ended; polls++) {
      await new Promise(resolve => setTimeout(resolve, POLL_MILLISECONDS))
    }
    return readFileSync(file)
  }

  stop(): void {
    this.child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}
