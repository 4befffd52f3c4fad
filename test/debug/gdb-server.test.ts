// The gdb server with scripted packets, over a target of a few instructions. test/cli/gdb-tcp.test.ts lets gdb itself
// speak to it.
import { framePacket, GdbPacketReader } from '../../src/debug/gdb-packets.js'
import { GdbServer } from '../../src/debug/gdb-server.js'
import { GDB_REGISTERS, targetDescription } from '../../src/debug/gdb-target.js'
import { FakeTarget } from './fake-target.js'

function connect() {
  const target = new FakeTarget()
  const sent: string[] = []
  const reader = new GdbPacketReader()
  let closed = false
  const take = (bytes: Uint8Array) => {
    for (const event of reader.push(bytes)) {
      sent.push(event.kind === 'packet' ? String.fromCharCode(...event.data) : event.kind)
    }
  }
  const server = new GdbServer(target, take, () => {
    closed = true
  })
  /** Sends a packet and returns what came back, acknowledgement dropped. */
  const ask = async (data: string | Uint8Array) => {
    sent.length = 0
    server.receive(framePacket(data))
    for (let i = 0; i < 100 && sent.length < 2; i++) await new Promise(resolve => setImmediate(resolve))
    expect(sent[0]).toBe('acknowledged')
    return sent[1]
  }
  return { target, server, sent, ask, isClosed: () => closed }
}

const LOOP = Uint8Array.of(0x40, 0xeb, 0xfd)

test('registers: all, one, unavailable, unknown', async () => {
  const { target, ask } = connect()
  target.set('eax', 0x12345678)
  target.set('eip', 0x1000)
  const all = await ask('g')
  expect(all).toHaveLength(GDB_REGISTERS.reduce((sum, register) => sum + 2 * register.bytes, 0))
  expect(all!.slice(0, 8)).toBe('78563412')
  expect(all!.slice(8 * 8, 9 * 8)).toBe('00100000')
  expect(await ask('p0')).toBe('78563412')
  expect(await ask('p1e')).toBe('xxxxxxxx')
  expect(await ask('pff')).toBe('E16')
})

test('registers can be set one by one and all at once', async () => {
  const { target, ask } = connect()
  expect(await ask('P3=efbeadde')).toBe('OK')
  expect(target.get('ebx')).toBe(0xdeadbeef)
  expect(await ask('P3=ef')).toBe('E16')
  const cr3 = GDB_REGISTERS.findIndex(register => register.name === 'cr3')
  expect(await ask(`P${cr3.toString(16)}=00000000`)).toBe('E0e')
  const all = (await ask('g'))!
  expect(await ask(`G01000000${all.slice(8)}`)).toBe('OK')
  expect([target.get('eax'), target.get('ebx')]).toEqual([1, 0xdeadbeef])
  expect(await ask('G0100')).toBe('E16')
})

test('memory in hexadecimal and binary, and where there is none', async () => {
  const { target, ask } = connect()
  expect(await ask('M100,3:0a0b0c')).toBe('OK')
  expect(await ask('m100,4')).toBe('0a0b0c00')
  expect(await ask(Uint8Array.from([...Buffer.from('X200,3:'), 0x7d, 0x23, 0x24]))).toBe('OK')
  expect([...target.memory.subarray(0x200, 0x203)]).toEqual([0x7d, 0x23, 0x24])
  expect(await ask('X0,0:')).toBe('OK')
  expect(await ask('mfffe,8')).toBe('0000')
  expect(await ask('m10000,1')).toBe('E0e')
  expect(await ask('Mffff,2:0000')).toBe('E0e')
  expect(await ask('M100,3:0a')).toBe('E16')
  expect(await ask('mzz,1')).toBe('E16')
})

test('stepping reports the new place', async () => {
  const { target, ask } = connect()
  target.memory.set(LOOP, 0x1000)
  target.set('eip', 0x1000)
  expect(await ask('?')).toMatch(/^T05.*08:00100000;thread:1;$/)
  expect(await ask('s')).toMatch(/^T05.*08:01100000;thread:1;$/)
  expect(await ask('vCont;s:1')).toMatch(/^T05.*08:00100000;/)
  expect(target.get('eax')).toBe(1)
})

test('software breakpoints stop before the instruction, once inserted and until removed', async () => {
  const { target, ask } = connect()
  target.memory.set([0x90, 0x90, ...LOOP], 0x1000)
  target.set('eip', 0x1000)
  await ask('qSupported:swbreak+;hwbreak+')
  expect(await ask('Z0,1003,1')).toBe('OK')
  expect(await ask('c')).toMatch(/08:03100000;thread:1;swbreak:;$/)
  expect(target.get('eax')).toBe(1)
  expect(await ask('vCont;c')).toMatch(/swbreak/)
  expect(target.get('eax')).toBe(2)
  expect(await ask('z0,1003,1')).toBe('OK')
  expect(await ask('z0,1003,1')).toBe('E0e')
  expect(await ask('Z1,1002,1')).toBe('OK')
  expect(await ask('c')).toMatch(/08:02100000;thread:1;hwbreak:;$/)
})

test('watchpoints name the address; one that the target has no room for is refused', async () => {
  const { target, ask } = connect()
  target.memory.set([0x40, 0xa3, 0x00, 0x20, 0, 0, 0xf4], 0x1000)
  target.set('eip', 0x1000)
  expect(await ask('Z2,2000,4')).toBe('OK')
  expect(await ask('Z3,2000,4')).toBe('E0e')
  expect(await ask('c')).toMatch(/08:06100000;thread:1;watch:2000;$/)
  expect(target.memory[0x2000]).toBe(1)
})

test('a running guest is interrupted, and answers nothing before that', async () => {
  const { target, server, sent, ask } = connect()
  target.memory.set(LOOP, 0x1000)
  target.set('eip', 0x1000)
  sent.length = 0
  server.receive(framePacket('c'))
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
  expect(sent).toEqual(['acknowledged'])
  server.receive(Uint8Array.of(3))
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
  expect(sent[1]).toMatch(/^T02/)
  expect(await ask('?')).toMatch(/^T02/)
})

test('the guest ends or dies', async () => {
  const { target, ask } = connect()
  target.memory.set([0x40, 0xf4], 0x1000)
  target.set('eip', 0x1000)
  expect(await ask('c')).toBe('W01')
  target.memory[0x1001] = 0x06
  expect(await ask('c')).toMatch(/^T0b/)
})

test('acknowledgements: a damaged packet is asked for again, a refused answer sent again, and both can be ended', async () => {
  const { server, sent, ask } = connect()
  server.receive(Buffer.from('$?#00'))
  expect(sent).toEqual(['refused'])
  const answer = await ask('qC')
  server.receive(Buffer.from('-'))
  expect(sent.at(-1)).toBe(answer)
  expect(await ask('QStartNoAckMode')).toBe('OK')
  sent.length = 0
  server.receive(framePacket('qC'))
  expect(sent).toEqual(['QC1'])
})

test('the target description comes in pieces and lists every register', async () => {
  const { ask } = connect()
  let text = ''
  for (let at = 0; ; at += 0x100) {
    const part = (await ask(`qXfer:features:read:target.xml:${at.toString(16)},100`))!
    text += part.slice(1)
    if (part[0] === 'l') break
  }
  expect(text).toBe(targetDescription())
  expect(
    [...text.matchAll(/<reg name="(\w+)" bitsize="(\d+)"/g)].map(match => [match[1], Number(match[2]) / 8]),
  ).toEqual(GDB_REGISTERS.map(register => [register.name, register.bytes]))
})

test('monitor commands, threads, and what is not known', async () => {
  const { ask } = connect()
  const hexadecimal = (text: string) => Buffer.from(text).toString('hex')
  expect(await ask(`qRcmd,${hexadecimal('hello')}`)).toBe(hexadecimal('hello yourself\n'))
  expect(await ask(`qRcmd,${hexadecimal('nonsense')}`)).toBe('')
  expect(await ask('qfThreadInfo')).toBe('m1')
  expect(await ask('Hg0')).toBe('OK')
  expect(await ask('vMustReplyEmpty')).toBe('')
  expect(await ask('!')).toBe('')
})

test('detaching and killing close the connection', async () => {
  const detaching = connect()
  expect(await detaching.ask('D;1')).toBe('OK')
  expect([detaching.target.log, detaching.isClosed()]).toEqual([['detach'], true])
  detaching.server.disconnected()
  expect(detaching.target.log).toEqual(['detach'])
  const killing = connect()
  await killing.ask('vKill;1')
  expect([killing.target.log, killing.isClosed()]).toEqual([['kill'], true])
})
