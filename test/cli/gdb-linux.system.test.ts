// gdb itself drives Linux through the built command: breakpoints in the kernel and in a program, watchpoints, finish,
// registers and memory, an interrupt, kill. Symbols come from vmlinux; where they lie is known from nm and the ELF headers.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildImage, type Image } from '../../images/index.js'
import { packageRoot } from '../../images/package-root.js'
import { buildPrograms } from '../../images/programs.js'
import { toolchainIdentity } from '../../images/toolchain.js'
import { parseElf } from '../../src/loader/elf.js'
import { testFolder } from './command.js'

const MINUTES = 60_000
const COMMAND = join(packageRoot(import.meta.url), 'dist/src/cli/main.js')
const at = testFolder()
const haveGdb = spawnSync('gdb', ['--version']).status === 0
if (!haveGdb) process.stderr.write('skipped: gdb is not installed; "npm run setup" installs it\n')

/** Collects what a process writes; `until` resolves when it has written a text. */
function transcript(child: ChildProcess) {
  let text = ''
  let look = () => {}
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('latin1').on('data', (piece: string) => {
      text += piece
      look()
    })
  }
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  const until = (wanted: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      look = () => {
        const found = wanted.exec(text)
        if (found) resolve(found)
      }
      ended.then(() => reject(new Error(`ended without ${wanted}: ${text}`)))
      look()
    })
  return { ended, until, text: () => text }
}

/** A guest that waits for a debugger, and gdb connected to it. */
async function debugged({ path, initrd }: Image, append: string) {
  const words = ['run', '--kernel', path, '--initrd', initrd, '--serial', `file:${at('console')}`, '-S', '--gdb', '0']
  const command = [COMMAND, ...words, '--append', `console=ttyS0 panic=-1 reboot=k ${append}`]
  const machine = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] })
  const guest = transcript(machine)
  const [, port] = await guest.until(/127\.0\.0\.1:(\d+)/)
  // One stream, so that errors keep their place among the answers.
  const child = spawn('sh', ['-c', 'exec gdb -nx -q "$1" 2>&1', 'sh', path], { stdio: ['pipe', 'pipe', 'pipe'] })
  const gdb = transcript(child)
  let asked = 0
  /** Gives gdb a command; what it answers up to the prompt's next line. */
  const ask = async (line: string) => {
    const mark = `answered ${++asked}.`
    const from = gdb.text().length
    child.stdin.write(`${line}\necho ${mark}\\n\n`)
    await gdb.until(new RegExp(mark))
    return gdb.text().slice(from, gdb.text().indexOf(mark)).replaceAll('(gdb) ', '').trim()
  }
  for (const setting of ['pagination off', 'confirm off', 'width 0']) await ask(`set ${setting}`)
  await ask(`target remote 127.0.0.1:${port}`)
  return { ask, guest, gdb, child }
}

;(haveGdb ? describe : describe.skip)('gdb and Linux', () => {
  let image: Image
  beforeAll(async () => {
    image = await buildImage('linux', { plain: true })
  }, 15 * MINUTES)
  const addressOf = (symbol: string) =>
    new RegExp(`^([0-9a-f]+) \\w ${symbol}$`, 'm').exec(execFileSync('nm', [image.path], { encoding: 'utf8' }))![1]!

  test(
    'breaks in kernel and program, finishes functions, watches a variable, and kills',
    async () => {
      const { ask, guest, child } = await debugged(image, 'workload=fork')
      expect(await ask('print/x $eip')).toContain('= 0x100000')
      await ask('tbreak start_kernel')
      expect(await ask('continue')).toMatch(/Temporary breakpoint 1, 0x[0-9a-f]+ in start_kernel/)
      expect(await ask('print/x $eip')).toContain(`= 0x${addressOf('start_kernel')}`)
      expect(await ask('x/s &linux_banner')).toContain('Linux version 6.1')

      // Without debugging information gdb takes a frame with EBP 0 for the outermost.
      await ask('tbreak vsnprintf if $ebp != 0')
      expect(await ask('continue')).toMatch(/Temporary breakpoint 2, .* in vsnprintf/)
      const caller = await ask('x/wx $esp')
      expect(await ask('finish')).toContain('Run till exit')
      expect(caller.split('\t')[1]).toBe((await ask('print/x $eip')).split(' ').at(-1))
      expect(await ask('info registers cr0 cs')).toMatch(/cr0 .*0x80050033[\s\S]*cs .*0x60/)

      await ask('watch *(unsigned int *) &jiffies')
      expect(await ask('continue')).toMatch(/Old value = (\d+)\s+New value = (?!\1)\d+/)
      await ask('delete')

      const [init] = await buildPrograms(toolchainIdentity())
      const { entry } = parseElf(init!.source, new Uint8Array(readFileSync(init!.source)))
      await ask(`hbreak *${entry}`)
      expect(await ask('continue')).toContain(`0x${entry.toString(16).padStart(8, '0')} in`)
      expect(await ask('print $cs & 3')).toContain('= 3')
      expect(await ask('stepi')).toContain(' in ')
      expect(await ask('set {int} ($esp - 64) = 0x11223344')).not.toContain('annot')
      expect(await ask('x/wx $esp - 64')).toContain('0x11223344')
      await ask('kill')
      expect(await guest.ended).toBe(0)
      child.stdin!.end('quit\n')
    },
    5 * MINUTES,
  )

  test(
    'an interrupt stops the guest, which goes on to its end when gdb lets it go',
    async () => {
      const { ask, guest, gdb, child } = await debugged(image, 'workload=sort')
      child.stdin!.write('continue\n')
      await gdb.until(/Continuing/)
      await new Promise(resolve => setTimeout(resolve, 300))
      child.kill('SIGINT')
      await gdb.until(/received signal SIGINT/)
      const before = Number((await ask('monitor retired')).split('\n').at(-1))
      await ask('stepi')
      expect(await ask('monitor retired')).toBe(`${before + 1}`)
      await ask('detach')
      child.stdin!.end('quit\n')
      expect(await guest.ended).toBe(0)
      expect(readFileSync(at('console'), 'latin1')).toMatch(/previrt: end sort \S+ 0\r?\nprevirt: done/)
    },
    5 * MINUTES,
  )
})
