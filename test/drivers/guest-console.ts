// Runs an image on one of three machines and returns what it printed: previrt's native path and v86 as processes of
// their own (npm run build made them), QEMU with instructions as its clock.
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Image } from '../../images/index.js'

export const MACHINES = ['previrt', 'qemu', 'v86'] as const
export type MachineName = (typeof MACHINES)[number]

const DONE = 'previrt: done'
const DIST = join(import.meta.dirname, '../../dist')
const TIMEOUT_MILLISECONDS = 240_000

/** Why a machine cannot be used here; undefined when it can. */
export function absence(machine: MachineName): string | undefined {
  const hasQemu = machine !== 'qemu' || spawnSync('qemu-system-i386', ['--version']).status === 0
  return hasQemu ? undefined : 'qemu-system-i386 is not installed'
}

function commandOf(machine: MachineName, image: Image, commandLine: string, megabytes: number): string[] {
  const kernel = image.bzImage ?? image.path
  const isMini = image.initrd === ''
  if (machine === 'v86')
    return [
      process.execPath,
      `${DIST}/benchmarks/v86-runner.js`,
      kernel,
      isMini ? '-' : image.initrd,
      commandLine,
      `${megabytes}`,
    ]
  const initrd = isMini ? [] : ['-initrd', image.initrd]
  if (machine === 'qemu') {
    const quiet = ['-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot', '-net', 'none']
    const clock = ['-accel', 'tcg', '-icount', 'shift=0,sleep=off']
    const boot = ['-m', `${megabytes}`, '-kernel', kernel, ...initrd, '-append', commandLine]
    return ['qemu-system-i386', ...clock, ...quiet, ...boot]
  }
  const boot = ['--kernel', image.path, ...initrd.map(word => word.replace(/^-(?=initrd)/, '--'))]
  const options = ['--append', commandLine, '--mem', `${megabytes}M`]
  return [process.execPath, `${DIST}/src/cli/main.js`, 'run', ...boot, ...options]
}

/**
 * The lines of the guest's console, without carriage returns.
 * @throws when the guest does not come to its last marker
 */
export async function guestConsole(
  machine: MachineName,
  image: Image,
  commandLine: string,
  megabytes: number,
): Promise<string[]> {
  const [program, ...words] = commandOf(machine, image, commandLine, megabytes)
  const child = spawn(program!, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { text: '', messages: '' }
  child.stderr.setEncoding('latin1').on('data', (text: string) => {
    output.messages += text
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MILLISECONDS)
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    output.text += text
    if (output.text.includes(DONE)) child.kill('SIGKILL')
  })
  await new Promise(resolve => child.once('close', resolve))
  clearTimeout(timer)
  const lines = output.text.split(/\r?\n/)
  const last = lines.findIndex(line => line.startsWith(DONE))
  if (last < 0) throw new Error(`${machine} did not finish: ${output.text.slice(-500)} ${output.messages.slice(-500)}`)
  return lines.slice(0, last + 1)
}
