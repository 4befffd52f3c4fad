// The built command as a process: Linux from its files to its last marker, standard input and output, signals, a terminal,
// a debugger.
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { buildImage, type Image } from '../../images/index.js'
import { runReportSchema } from '../../src/cli/report-schema.js'
import { com1, halt, multibootFile, powerOff, spin, testFolder, writeGuest } from './command.js'
import { COMMAND, start } from './command-process.js'

const MINUTES = 60_000
const at = testFolder()

/** Echoes COM1 to COM1 for ever, by polling. */
const echo = [0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xfb, 0x66, 0xba, 0xf8, 0x03, 0xec, 0xee, 0xeb, 0xef]

describe('Linux', () => {
  let image: Image
  beforeAll(async () => {
    image = await buildImage('linux', { plain: true })
    await buildImage('linux')
  }, 15 * MINUTES)
  const files = () => ['--kernel', image.path, '--initrd', image.initrd]

  test(
    'boots to its last marker',
    async () => {
      const { status, stdout } = await start('run', ...files(), '--expect', 'previrt: done').ended
      const lines = stdout.split('\r\n').filter(line => line.startsWith('previrt: '))
      expect(lines[0]).toBe('previrt: userland')
      expect(lines.filter(line => / end /.test(line) && !/ (?:0|77)$/.test(line))).toEqual([])
      expect(stdout.trimEnd()).toMatch(/previrt: done$/)
      expect(status).toBe(0)
    },
    3 * MINUTES,
  )

  test(
    'has the same digest from the cold and from the hot engine, and ends by itself',
    async () => {
      const reports = await Promise.all(
        ['interpreter', 'blocks'].map(async engine => {
          const words = [...files(), '--json', '--engine', engine, '--serial', 'none']
          const { stdout } = await start('run', ...words).ended
          return runReportSchema.parse(JSON.parse(stdout))
        }),
      )
      expect(reports[0]!.exit).toMatchObject({ status: 0, reason: 'reset' })
      expect(reports[0]!.exit.symbol).toMatch(/^native_machine_emergency_restart/)
      expect(reports[1]!.digest).toBe(reports[0]!.digest)
      expect(reports[1]!.workloads).toEqual(reports[0]!.workloads)
    },
    5 * MINUTES,
  )

  test.each(['native', 'trap', 'xen'])(
    'on %s its shell gets what was piped in before it ran, sleeps as long as it is told, and poweroff ends it',
    async path => {
      const { child, ended } = start('run', 'linux', '--on', path, '--append', 'shell')
      child.stdin!.end('echo sum $((6 * 7))\nt=$(date +%s); sleep 3; echo slept $(($(date +%s) - t))\npoweroff\n')
      const { status, stdout } = await ended
      expect(stdout).toContain('\r\nsum 42\r\n')
      expect(stdout).toContain('\r\nslept 3\r\n')
      expect(stdout).toContain('previrt: done')
      expect(status).toBe(0)
    },
    2 * MINUTES,
  )

  test(
    'by its name it has a command line of its own, which --append is added to',
    async () => {
      const words = ['linux', '--plain', '--append', 'quiet workload=loop', '--net', 'user']
      const { status, stdout } = await start('run', ...words).ended
      expect(stdout.split('\r\n').filter(line => line.startsWith('previrt: ')).length).toBe(4)
      expect(stdout).toMatch(/previrt: end loop [0-9a-f]+ 0\r\n/)
      expect(status).toBe(0)
    },
    3 * MINUTES,
  )

  test(
    'a panic is status 3 and names the place',
    async () => {
      const { status, stderr } = await start('run', '--kernel', image.path, '--serial', 'none').ended
      expect(stderr).toMatch(
        /^previrt: guest panic: Kernel panic.*VFS.* at EIP 0x80[0-9a-f]{6} \(\w+\+0x[0-9a-f]+\)\n$/,
      )
      expect(status).toBe(3)
    },
    3 * MINUTES,
  )
})

test(
  'the mini guest is built on demand, runs on every engine alike, and is sound under inspection',
  async () => {
    const list = (await start('image', 'list', '--json').ended).stdout.trimEnd().split('\n')
    const names = list.map(line => JSON.parse(line)).map(({ name, plain }) => `${name} ${plain}`)
    for (const name of ['linux', 'linux-net', 'mini']) {
      expect(names).toContain(`${name} false`)
      expect(names).toContain(`${name} true`)
    }
    const digests = []
    for (const engine of ['interpreter', 'blocks']) {
      const { status, stdout } = await start('run', 'mini', '--engine', engine, '--json', '--serial', 'none').ended
      expect(status).toBe(0)
      digests.push(JSON.parse(stdout).digest)
    }
    expect(digests[1]).toBe(digests[0])
    const inspected = await start('inspect', 'mini', '--json').ended
    expect(inspected.status).toBe(0)
    expect(JSON.parse(inspected.stdout)).toMatchObject({ schemaVersion: 1, complete: true, uncovered: [] })
    const listing = await start('inspect', 'mini', '--disasm', 'panic').ended
    expect(listing.stdout).toMatch(/^80[0-9a-f]{6} <panic>:\n/)
  },
  3 * MINUTES,
)

describe('standard streams', () => {
  test('what is typed reaches the guest and comes back at once; SIGTERM ends with 143', async () => {
    const { child, ended, shows } = start('run', '--multiboot', writeGuest(at('echo'), com1('>'), echo))
    await shows('>')
    child.stdin!.write('hello')
    await shows('>hello')
    child.kill('SIGTERM')
    expect(await ended).toEqual({ status: 143, stdout: '>hello', stderr: 'previrt: ended by SIGTERM\n' })
  })

  test('a file as standard input gives the same run each time', () => {
    writeFileSync(at('input'), 'abc\n')
    const guest = writeGuest(at('echo'), com1('>'), echo)
    const run = () => {
      const command = `"${process.execPath}" "${COMMAND}" run --multiboot "${guest}" --budget 100K --json < "${at('input')}"`
      const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'latin1' })
      expect(stderr).toMatch(/^>abc\n/)
      return runReportSchema.parse(JSON.parse(stdout)).digest
    }
    expect(run()).toBe(run())
  })

  test('a reader that leaves ends the run', () => {
    const noisy = [...com1('x'), 0xeb, 0xf7] // for ever
    const guest = writeGuest(at('noisy'), noisy)
    const command = `"${process.execPath}" "${COMMAND}" run --multiboot "${guest}" | head -c 10`
    const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'latin1', timeout: 60_000 })
    expect([stdout, stderr]).toEqual(['xxxxxxxxxx', ''])
  })

  test.each([
    [['--help'], 1],
    [['run', '--kernel', 'nowhere'], 2],
  ])('output on a full disk is told: %j ends with %i', (words, status) => {
    const full = openSync('/dev/full', 'w')
    const child = spawnSync(process.execPath, [COMMAND, ...words], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    })
    closeSync(full)
    const told = 'previrt: standard output: cannot be written (ENOSPC); free space or send it elsewhere\n'
    expect(child.status).toBe(status)
    expect(child.stderr.endsWith(told)).toBe(status === 1)
  })

  test('a guest that waits for an interrupt is not halted for ever while input may come', async () => {
    const { child, ended, shows } = start('run', '--multiboot', writeGuest(at('sti'), com1('>'), [0xfb], [0xf4]))
    await shows('>')
    child.stdin!.end()
    const { status, stderr } = await ended
    expect(stderr).toMatch(/halted for ever/)
    expect(status).toBe(3)
  })
})

const hasScript = spawnSync('script', ['--version']).status === 0
if (!hasScript) process.stderr.write('skipped: script is not installed\n')
;(hasScript ? test : test.skip)('on a terminal Ctrl-A x leaves, and the mode of the terminal is restored', () => {
  const guest = writeGuest(at('echo'), com1('ready'), echo)
  const session = `stty -a > "${at('before')}"; "${process.execPath}" "${COMMAND}" run --multiboot "${guest}"; echo "status $?"; stty -a | cmp - "${at('before')}" && echo restored`
  // Each key when what comes before it has been shown; then what holds the terminal open until the end.
  const shown = at('shown')
  const until = (text: string) => `until grep -q "${text}" "${shown}"; do sleep 0.1; done`
  const keys = `${until('ready')}; printf k; ${until('readyk')}; printf "\\001x"; ${until('status 0')}`
  const terminal = `timeout 100 sh -c '${keys}' | script -qefc '${session}' "${shown}"`
  const { stdout } = spawnSync('sh', ['-c', terminal], { encoding: 'latin1' })
  expect(stdout).toMatch(/readyk.*status 0\r?\n.*restored/s)
})

const hasGdb = spawnSync('gdb', ['--version']).status === 0
if (!hasGdb) process.stderr.write('skipped: gdb is not installed\n')
;(hasGdb ? test : test.skip)(
  'gdb stops the guest before its first instruction, steps it, and lets it go',
  async () => {
    writeFileSync(at('debugged'), multibootFile([0x40, 0x40, ...com1('here'), ...powerOff, ...halt]))
    const { ended, shows, child } = start('run', '--multiboot', at('debugged'), '--gdb', '0', '-S')
    let told = ''
    child.stderr!.on('data', text => {
      told += text
    })
    await shows('gdb server on')
    const port = /127\.0\.0\.1:(\d+)/.exec(told)![1]
    const commands = ['print/x $eip', 'stepi', 'stepi', 'print $eax - 0x2badb002', 'break *0x100029', 'continue']
    const all = ['set architecture i386', `target remote 127.0.0.1:${port}`, ...commands, 'delete', 'continue']
    const words = ['-nx', '-q', '-batch', ...all.flatMap(command => ['-ex', command])]
    const gdb = spawn('gdb', words, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [gdb.stdout, gdb.stderr]) {
      stream.on('data', text => {
        output += text
      })
    }
    await new Promise(resolve => gdb.once('close', resolve))
    expect(output).toContain('$1 = 0x100020')
    expect(output).toContain('$2 = 2')
    expect(output).toContain('Breakpoint 1, 0x00100029')
    expect(output).toContain('exited normally')
    expect(await ended).toMatchObject({ status: 0, stdout: 'here' })
  },
  MINUTES,
)

test('a guest that spins is ended by its timeout', async () => {
  const { status } = await start('run', '--multiboot', writeGuest(at('spin'), spin), '--timeout', '0.2').ended
  expect(status).toBe(4)
})
