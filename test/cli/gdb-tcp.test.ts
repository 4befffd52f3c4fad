// The TCP transport, and gdb itself as the client of the whole server.
import { spawn, spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { listenForGdb } from '../../src/cli/gdb-tcp.js'
import { FakeTarget } from '../debug/fake-target.js'

const haveGdb = spawnSync('gdb', ['--version']).status === 0
if (!haveGdb) process.stderr.write('skipped: gdb is not installed; "npm run setup" installs it\n')

/** Runs gdb with commands and returns all it prints. */
async function gdb(port: number, commands: readonly string[]): Promise<string> {
  const all = ['set architecture i386', `target remote 127.0.0.1:${port}`, ...commands]
  const child = spawn('gdb', ['-nx', '-q', '-batch', ...all.flatMap(command => ['-ex', command])])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      output += chunk
    })
  }
  await new Promise(resolve => child.on('close', resolve))
  return output
}

;(haveGdb ? test : test.skip)(
  'gdb reads and sets registers and memory, breaks, steps, watches and detaches',
  async () => {
    const target = new FakeTarget()
    target.memory.set([0x90, 0x90, 0x40, 0xa3, 0x00, 0x20, 0, 0, 0xeb, 0xf8], 0x1000)
    target.set('eip', 0x1000)
    target.registers.get('st0')!.set([0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f])
    target.registers.get('xmm1')!.set([0, 0, 0x80, 0x3f], 12)
    target.set('eflags', 0x246)
    const listener = await listenForGdb(target, 0)
    try {
      const output = await gdb(listener.port, [
        'break *0x1002',
        'continue',
        'print/x $eip',
        'set $eax = 41',
        'stepi',
        'print $eax',
        'delete',
        'watch *(int *)0x2000',
        'continue',
        'print *(int *)0x2000',
        'set {int}0x3000 = 0x11223344',
        'x/1xw 0x3000',
        'print $st0',
        'print $xmm1.v4_float[3]',
        'print $eflags',
        'print/x $cr0',
        'monitor hello',
        'x/2i 0x1002',
        'detach',
      ])
      expect(output).toContain('Breakpoint 1, 0x00001002')
      expect(output).toContain('$1 = 0x1002')
      expect(output).toContain('$2 = 42')
      expect(output).toMatch(/Old value = 0\s+New value = 42/)
      expect(output).toContain('$3 = 42')
      expect(output).toMatch(/0x3000:\s+0x11223344/)
      expect(output).toContain('$4 = 1')
      expect(output).toContain('$5 = 1')
      expect(output).toContain('$6 = [ PF ZF IF ]')
      expect(output).toContain('$7 = 0x0')
      expect(output).toContain('hello yourself')
      expect(output).toMatch(/0x1002:\s+inc\s+%eax\s+0x1003:\s+mov\s+%eax,0x2000/)
      expect(target.log).toEqual(['detach'])
    } finally {
      listener.close()
    }
  },
  60_000,
)

test('it listens on the loopback interface only, for one debugger at a time', async () => {
  let connections = 0
  const listener = await listenForGdb(new FakeTarget(), 0, () => connections++)
  const attempt = (host: string) =>
    new Promise<string>(resolve => {
      const socket = connect(listener.port, host)
      socket.on('connect', () => socket.write('$qC#b4'))
      socket.on('data', data => resolve(String(data)))
      socket.on('error', () => resolve('refused'))
      socket.on('close', () => resolve('closed'))
    })
  try {
    expect(await attempt('127.0.0.1')).toMatch(/^\+/)
    expect(await attempt('127.0.0.1')).toBe('closed')
    expect(connections).toBe(1)
    const others = Object.values(networkInterfaces()).flatMap(list => list ?? [])
    for (const { address } of others.filter(item => item.family === 'IPv4' && !item.internal)) {
      expect(await attempt(address)).toBe('refused')
    }
  } finally {
    listener.close()
  }
})

test('a port in use is an error', async () => {
  const first = await listenForGdb(new FakeTarget(), 0)
  await expect(listenForGdb(new FakeTarget(), first.port)).rejects.toThrow(/EADDRINUSE/)
  first.close()
})
