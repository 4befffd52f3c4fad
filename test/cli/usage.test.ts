// Bad command lines and unusable input: status 2 and one line that says what is wrong, never a stack trace.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { describeFailure } from '../../src/cli/failure.js'
import { rewriteQemuSpellings } from '../../src/cli/qemu-spellings.js'
import { type Outcome, powerOff, previrt, testFolder, writeGuest } from './command.js'

const at = testFolder()
const guest = () => writeGuest(at('guest'), powerOff)

function expectRefusal({ status, stdout, stderr }: Outcome, message: string | RegExp) {
  expect(stderr).toMatch(message)
  expect(stderr).toMatch(/^previrt: [^\n]+\n$/)
  expect(stderr).not.toMatch(/\n\s+at |Error:/)
  expect(stdout).toBe('')
  expect(status).toBe(2)
}

test.each([
  [['run'], 'nothing to run'],
  [['run', '--kernel', 'a', '--multiboot', 'b'], '--kernel and --multiboot: give only one'],
  [['run', '--module', 'a', '--kernel', 'b'], '--module: only with --multiboot'],
  [['run', '--initrd', 'a', '--multiboot', 'b'], '--initrd: only with --kernel'],
  [['run', '--frobnicate'], "unknown option '--frobnicate'; see previrt run --help"],
  [['run', '--sereal', 'none'], "unknown option '--sereal' (Did you mean --serial?); see previrt run --help"],
  [['run', '--kernel'], "option '--kernel <file>' argument missing; see previrt run --help"],
  [['run', 'linux', 'mini'], 'Expected 1 argument but got 2; see previrt run --help'],
  [['run', '--mem', '12Q', 'x'], "'--mem <size>' argument '12Q' is invalid. Write for example 128M"],
  [['run', '--mem', '5G', 'x'], 'Give 1M to 1024M'],
  [['run', '--mem', '1025K', 'x'], 'steps of 4K'],
  [['run', '--budget', '0', 'x'], 'Give a whole number above 0'],
  [['run', '--timeout', 'soon', 'x'], 'Give seconds'],
  [['run', '--engine', 'fast', 'x'], 'Allowed choices are reference, interpreter, blocks, lockstep'],
  [['run', '--serial', 'pty', 'x'], 'Write stdio, none or file:NAME'],
  [['run', '--rom', 'bios.bin'], 'bios.bin: no address'],
  [['run', '--kernel', '/nowhere/vmlinux'], '/nowhere/vmlinux: no such file'],
  [['run', 'plan9'], 'plan9: no such image; images are: linux, linux-net, mini'],
  [['run', '--expect', '', 'x'], '--expect: give a text'],
  [['run', '--trace', 'ports,x', 'x'], 'Write one or more of instructions,exceptions,ports'],
  [['run', '--trace', 'ports', '--engine', 'lockstep', 'x'], '--trace: not with --engine lockstep; use another'],
  [['run', '--profile', 'f', '--gdb', '0', 'x'], '--profile: not with --gdb; use one of them'],
  [['run', '-S', 'x'], '-S: only with'],
  [['run', '--on', 'xen', '--cpu', 'pentium3', '--kernel', '/bin/true'], 'pentium3 has no PAE'],
  [['run', '--xen-dom0', 'x'], '--xen-dom0: only with --on xen'],
  [['run', '--on', 'xen', '--xen-dom0', '--disk', 'd', 'x'], '--disk: the control domain has no virtual disk'],
  [['run', '--xen-profile', '2.0', 'x'], 'Allowed choices are 4.17, 3.0'],
  [['frobnicate'], "unknown command 'frobnicate'"],
  [['export', 'mini', '--on', 'xen'], "option '-o, --output <file>' not specified; see previrt export --help"],
  [['image', 'build', 'plan9'], 'plan9: no such image'],
  [['inspect', '/nowhere/vmlinux'], '/nowhere/vmlinux: no such file'],
] as const)('%j', async (words, message) => {
  expectRefusal(await previrt(...words), message)
})

test.each([
  ['--on', 'linux'],
  ['--restore', 'file'],
  ['--migrate-at', 'text=xen'],
])('%s %s is refused as missing', async (...words) => {
  expectRefusal(await previrt('run', 'linux', ...words), new RegExp(`${words[0]}.*: not in this version`))
})

test.each([
  [['mini', '--on', 'xen'], 'xen: name native first'],
  [['mini', '--on', 'native,vax'], "no path 'vax' to compare; there are: native, trap"],
  [['mini', '--costs', 'z80-1976'], 'there is no such cost table; there are: p3-2001'],
  [['plan9'], 'plan9: no such image; images are: linux, linux-net, mini'],
  [['plan/9'], 'plan/9: no such file; check the path'],
  [['mini', '--workload', 'sort,gzip'], "no workload 'gzip' in mini; there are: syscall, fork"],
  [['linux', '--consolidate', '2', '--workload', 'sensitive'], "no workload 'sensitive' in linux; there are: syscall"],
])('compare %j is refused', async (words, message) => {
  expectRefusal(await previrt('compare', ...words), message)
})

test.each([
  [['plan9'], "no suite 'plan9'; there are: micro"],
  [['--engine', 'plan9'], 'Allowed choices are reference, interpreter, blocks, lockstep'],
  [['micro', '--image', 'plan9'], 'plan9: no such image'],
  [['micro', '--image', 'mini', '--jobs', 'disk'], "no workload 'disk' in mini; there are: syscall"],
])('bench %j is refused', async (words, message) => {
  expectRefusal(await previrt('bench', ...words), message)
})

describe('unusable files', () => {
  const file = (name: string, bytes: Uint8Array | string) => {
    writeFileSync(at(name), bytes)
    return at(name)
  }

  test('a folder, an empty kernel, an unknown CPU', async () => {
    mkdirSync(at('folder'))
    expectRefusal(await previrt('run', '--kernel', at('folder')), 'is a folder')
    expectRefusal(await previrt('run', '--kernel', file('empty', '')), 'empty at offset 0x0: neither an ELF file nor')
    expectRefusal(await previrt('run', '--multiboot', guest(), '--cpu', 'z80'), "--cpu: unknown CPU model 'z80': use")
  })

  test('a truncated ELF file, a missing module, a disk that is none', async () => {
    expectRefusal(await previrt('run', file('short.elf', '\x7fELF\x01\x01')), 'short.elf at offset 0x6: truncated')
    expectRefusal(await previrt('run', '--multiboot', guest(), '--module', at('no')), 'no such file')
    expectRefusal(await previrt('run', '--multiboot', guest(), '--disk', file('d', 'x')), /--disk .*truncate -s/)
    expectRefusal(await previrt('run', '--multiboot', guest(), '--disk', at('no')), /--disk .*ENOENT/)
  })

  test('a console file that cannot be written', async () => {
    const { status, stderr } = await previrt('run', '--multiboot', guest(), '--serial', 'file:/nowhere/log')
    expect(status).toBe(2)
    expect(stderr).toMatch(/^previrt: --serial file:\/nowhere\/log: cannot be written \(ENOENT\); .*\n$/)
  })

  test('a ROM off a page boundary', async () => {
    expectRefusal(await previrt('run', '--rom', `${file('rom', 'x')}@0xf0000`), 'not whole 4 KiB pages')
  })

  test('any bytes as any kind of input end with status 2 or run, never with a fault of ours', async () => {
    const options = fc.constantFrom('--kernel', '--multiboot')
    const magic = fc.constantFrom('', '\x7fELF\x01\x01\x01', '\x02\xb0\xad\x1b\0\0\x01\0\xfe\x4f\x51\xe4')
    await fc.assert(
      fc.asyncProperty(options, magic, fc.uint8Array({ maxLength: 600 }), async (option, start, rest) => {
        const input = file('any', Buffer.concat([Buffer.from(start, 'latin1'), rest]))
        const limits = ['--mem', '4M', '--budget', '1000', '--serial', 'none', '--engine', 'interpreter']
        const outcome = await previrt('run', option, input, ...limits)
        expect([0, 1, 2, 3, 4]).toContain(outcome.status)
        expect(outcome.stderr.trimEnd().split('\n').length).toBe(1)
      }),
      { numRuns: 60 },
    )
  })
})

describe("QEMU's spellings", () => {
  const takesValue = (word: string) => ['--append', '--expect'].includes(word)
  test.each([
    ['-kernel k -initrd i -m 64 -nographic -no-reboot', '--kernel k --initrd i --mem 64'],
    ['-s -S', '--gdb 1234 --wait'],
    ['-serial mon:stdio', '--serial stdio'],
    ['-serial null', '--serial none'],
    ['-append -s --expect -S', '--append -s --expect -S'],
    ['-- -s', '-- -s'],
    ['-kernel', '--kernel'],
    ['--gdb 1 -m=2', '--gdb 1 -m=2'],
  ])('%s', (theirs, ours) => {
    expect(rewriteQemuSpellings(theirs.split(' '), takesValue).join(' ')).toBe(ours)
  })

  test('run a guest', async () => {
    writeFileSync(at('none'), '')
    expectRefusal(await previrt('run', '-kernel', at('none'), '-m', '16', '-nographic'), 'neither an ELF file')
  })
})

test('our own faults end with 70, a short message and the place', () => {
  const { line, status } = describeFailure(new TypeError('x is not a function\nmore'))
  expect(status).toBe(70)
  expect(line).toMatch(/^internal error: x is not a function \(usage\.test\.ts:\d+\); please report/)
})

test('--version prints that of the package', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  expect(await previrt('--version')).toEqual({ status: 0, stdout: `previrt ${version}\n`, stderr: '' })
})

test('--help is no error', async () => {
  const { status, stdout } = await previrt('run', '--help')
  expect(status).toBe(0)
  expect(stdout).toContain('--expect <text>')
})
