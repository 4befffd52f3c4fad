// The gdb remote serial protocol over a DebugTarget (gdb manual, appendix E): all-stop, one thread, registers by target
// description, memory in hexadecimal and binary, software and hardware breakpoints, watchpoints, vCont, monitor commands.
// Bytes come in through `receive` and go out through a callback; it knows no transport. Left out: non-stop mode, reverse
// execution, file I/O, tracepoints, extended mode.
import type { BreakpointKind, DebugTarget, StopReason } from './debug-target.js'
import { framePacket, fromHex, type GdbEvent, GdbPacketReader, PACKET_BYTES_MAX, toHex } from './gdb-packets.js'
import { GDB_EBP, GDB_EIP, GDB_ESP, GDB_REGISTERS, targetDescription } from './gdb-target.js'

const SIGINT = 2
const SIGTRAP = 5
const SIGSEGV = 11
const OK = 'OK'
const UNSUPPORTED = ''
const BAD_ARGUMENT = 'E16'
const NO_ACCESS = 'E0e'
const BREAKPOINT_KINDS: readonly BreakpointKind[] = ['software', 'hardware', 'write', 'read', 'access']
const FEATURES = [
  `PacketSize=${PACKET_BYTES_MAX.toString(16)}`,
  'qXfer:features:read+',
  'QStartNoAckMode+',
  'swbreak+',
  'hwbreak+',
  'vContSupported+',
].join(';')

/** One connection of a debugger. The guest stands still while nothing is being continued. */
export class GdbServer {
  private readonly reader = new GdbPacketReader()
  private acknowledging = true
  private lastSent: Uint8Array | undefined
  private lastStop: StopReason = { kind: 'step' }
  private namesBreakpoints = false
  private running = false
  private closed = false

  /**
   * @param send writes bytes to the debugger
   * @param close ends the connection, after a kill or detach
   */
  constructor(
    private readonly target: DebugTarget,
    private readonly send: (bytes: Uint8Array) => void,
    private readonly close: () => void,
  ) {}

  /** Takes bytes from the debugger, in pieces of any size. */
  receive(bytes: Uint8Array): void {
    for (const event of this.reader.push(bytes)) this.handle(event)
  }

  /** The connection has gone; a running guest is left running, without breakpoints. */
  disconnected(): void {
    if (this.closed) return
    this.closed = true
    this.target.detach()
  }

  private handle(event: GdbEvent): void {
    if (event.kind === 'interrupt') this.target.interrupt()
    else if (event.kind === 'refused' && this.lastSent) this.send(this.lastSent)
    else if (event.kind === 'damaged' && this.acknowledging) this.send(Uint8Array.of(0x2d))
    else if (event.kind === 'packet') {
      if (this.acknowledging) this.send(Uint8Array.of(0x2b))
      const reply = this.answer(event.data)
      if (reply !== undefined) this.reply(reply)
    }
  }

  private reply(data: Uint8Array | string): void {
    this.lastSent = framePacket(data)
    this.send(this.lastSent)
  }

  /** The answer to a packet; undefined if it comes later or never. */
  private answer(data: Uint8Array): Uint8Array | string | undefined {
    const text = String.fromCharCode(...data.subarray(0, 0x4000))
    const rest = text.slice(1)
    switch (text[0]) {
      case '?':
        return this.stopReply(this.lastStop)
      case 'g':
        return GDB_REGISTERS.map((_, number) => this.register(number)).join('')
      case 'G':
        return this.writeAllRegisters(toText(data).slice(1))
      case 'p':
        return this.register(Number.parseInt(rest, 16))
      case 'P':
        return this.writeRegister(rest)
      case 'm':
        return this.readMemory(rest)
      case 'M':
        return this.writeMemory(toText(data).slice(1))
      case 'X':
        return this.writeBinary(data)
      case 'Z':
      case 'z':
        return this.breakpoint(text)
      case 'c':
      case 'C':
        return this.resume('continue')
      case 's':
      case 'S':
        return this.resume('step')
      case 'H':
      case 'T':
        return OK
      case 'D':
        return this.detach()
      case 'k':
        return this.kill()
      case 'v':
        return this.multiLetter(text)
      case 'q':
      case 'Q':
        return this.query(text)
      default:
        return UNSUPPORTED
    }
  }

  private register(number: number): string {
    const register = GDB_REGISTERS[number]
    if (!register) return BAD_ARGUMENT
    const bytes = this.target.readRegister(register.name)
    return bytes ? toHex(bytes) : 'xx'.repeat(register.bytes)
  }

  private writeRegister(text: string): string {
    const [number, value] = text.split('=')
    const register = GDB_REGISTERS[Number.parseInt(number ?? '', 16)]
    const bytes = fromHex(value ?? '?')
    if (!register || bytes?.length !== register.bytes) return BAD_ARGUMENT
    return this.target.writeRegister(register.name, bytes) ? OK : NO_ACCESS
  }

  private writeAllRegisters(text: string): string {
    let at = 0
    for (const register of GDB_REGISTERS) {
      const digits = text.slice(at, at + register.bytes * 2)
      const bytes = fromHex(digits)
      if (bytes?.length === register.bytes) this.target.writeRegister(register.name, bytes)
      else if (!/^x*$/.test(digits)) return BAD_ARGUMENT
      at += register.bytes * 2
    }
    return OK
  }

  private readMemory(text: string): string {
    const range = parseRange(text)
    if (!range) return BAD_ARGUMENT
    const bytes = this.target.readMemory(range.linear, Math.min(range.bytes, PACKET_BYTES_MAX / 2))
    return bytes ? toHex(bytes) : NO_ACCESS
  }

  private writeMemory(text: string): string {
    const colon = text.indexOf(':')
    const range = parseRange(text.slice(0, colon))
    const bytes = fromHex(text.slice(colon + 1))
    if (!range || bytes?.length !== range.bytes) return BAD_ARGUMENT
    return this.target.writeMemory(range.linear, bytes) ? OK : NO_ACCESS
  }

  private writeBinary(data: Uint8Array): string {
    const colon = data.indexOf(0x3a)
    const range = parseRange(toText(data.subarray(1, Math.max(colon, 1))))
    const bytes = data.subarray(colon + 1)
    if (colon < 0 || !range || bytes.length !== range.bytes) return BAD_ARGUMENT
    return bytes.length === 0 || this.target.writeMemory(range.linear, bytes) ? OK : NO_ACCESS
  }

  private breakpoint(text: string): string {
    const match = /^([Zz])([0-4]),([0-9a-f]{1,8}),([0-9a-f]{1,4})(?:;|$)/i.exec(text)
    if (!match) return UNSUPPORTED
    const kind = BREAKPOINT_KINDS[Number(match[2])]!
    const [linear, bytes] = [Number.parseInt(match[3]!, 16), Number.parseInt(match[4]!, 16)]
    const done =
      match[1] === 'Z'
        ? this.target.insertBreakpoint(kind, linear, bytes)
        : this.target.removeBreakpoint(kind, linear, bytes)
    return done ? OK : NO_ACCESS
  }

  /** Runs the guest; the stop reply is sent when it stops. */
  private resume(how: 'step' | 'continue'): undefined {
    if (this.running) return
    this.running = true
    const stopped = how === 'step' ? this.target.step() : this.target.continue()
    stopped.then(
      reason => {
        this.running = false
        this.lastStop = reason
        if (!this.closed) this.reply(this.stopReply(reason))
      },
      (error: Error) => {
        this.running = false
        if (!this.closed) this.reply(`E.${error.message.replace(/[#$}*]/g, ' ')}`)
      },
    )
  }

  private stopReply(reason: StopReason): string {
    if (reason.kind === 'exited') return `W${hexByte(reason.status & 0xff)}`
    const signal = reason.kind === 'interrupt' ? SIGINT : reason.kind === 'shutdown' ? SIGSEGV : SIGTRAP
    const shown = [GDB_EBP, GDB_ESP, GDB_EIP].map(number => `${hexByte(number)}:${this.register(number)};`).join('')
    let why = ''
    if (reason.kind === 'watchpoint') {
      const name = { write: 'watch', read: 'rwatch', access: 'awatch' }[reason.watch]
      why = `${name}:${(reason.linear >>> 0).toString(16)};`
    } else if (reason.kind === 'breakpoint' && this.namesBreakpoints) {
      why = reason.by === 'software' ? 'swbreak:;' : 'hwbreak:;'
    }
    return `T${hexByte(signal)}${shown}thread:1;${why}`
  }

  private multiLetter(text: string): string | undefined {
    if (text === 'vCont?') return 'vCont;c;C;s;S'
    if (text.startsWith('vCont;')) return this.resume(/^vCont;[sS]/.test(text) ? 'step' : 'continue')
    if (text.startsWith('vKill')) {
      this.reply(OK)
      return this.kill()
    }
    return UNSUPPORTED
  }

  private query(text: string): string | undefined {
    if (text.startsWith('qSupported')) {
      this.namesBreakpoints = text.includes('swbreak+')
      return FEATURES
    }
    if (text === 'QStartNoAckMode') {
      this.reply(OK)
      this.acknowledging = false
      return undefined
    }
    if (text.startsWith('qXfer:features:read:target.xml:')) return this.description(text.split(':')[4] ?? '')
    if (text === 'qfThreadInfo') return 'm1'
    if (text === 'qsThreadInfo') return 'l'
    if (text === 'qC') return 'QC1'
    if (text === 'qAttached') return '1'
    if (text.startsWith('qRcmd,')) return this.monitor(text.slice(6))
    return UNSUPPORTED
  }

  private description(range: string): string {
    const window = parseRange(range)
    if (!window) return BAD_ARGUMENT
    const text = targetDescription()
    const part = text.slice(window.linear, window.linear + window.bytes)
    return (window.linear + window.bytes < text.length ? 'm' : 'l') + part
  }

  private monitor(hexText: string): string {
    const command = fromHex(hexText)
    if (!command) return BAD_ARGUMENT
    const answer = this.target.monitor?.(toText(command).trim())
    return answer === undefined ? UNSUPPORTED : answer === '' ? OK : toHex(new TextEncoder().encode(answer))
  }

  private detach(): undefined {
    this.reply(OK)
    this.disconnected()
    this.close()
  }

  private kill(): undefined {
    this.closed = true
    this.target.kill()
    this.close()
  }
}

/** `address,length` in hexadecimal. */
function parseRange(text: string): { linear: number; bytes: number } | undefined {
  const match = /^([0-9a-f]{1,8}),([0-9a-f]{1,8})$/i.exec(text)
  return match ? { linear: Number.parseInt(match[1]!, 16), bytes: Number.parseInt(match[2]!, 16) } : undefined
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, '0')
}

function toText(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}
