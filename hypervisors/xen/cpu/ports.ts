// IN, OUT and their string forms by a guest: allowed with an I/O privilege or by its bitmap of ports. The control domain
// reaches the machine's ports, but for those that the hypervisor keeps; of the timer it has channel 2
// (xen/arch/x86/emul-i8254.c). All others read as ones, and writes go nowhere.

import { isFault, type Vcpu } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import { CS, DS, EAX, ECX, EDI, EDX, ES, ESI, IOPL } from './registers.js'

const TIMER_MODE = 0x43
/** Port numbers that the hypervisor keeps: interrupt controllers, two channels of the timer, its console. */
const KEPT: readonly (readonly [first: number, last: number])[] = [
  [0x20, 0x21],
  [0x40, 0x41],
  [TIMER_MODE, TIMER_MODE],
  [0xa0, 0xa1],
  [0x3f8, 0x3ff],
  [0x4d0, 0x4d1],
]

const CHANNEL = 0xc0
const CHANNEL_2 = 0x80

/** Opcodes below it are string forms. */
const FIRST_DIRECT = 0xe4
const DIRECTION = 0x400
/** What a byte of nobody's port reads as. */
const ONES = 0xff
/** Two registers that are latched for every domain: the address of PCI configuration, as a whole, and that of the clock. */
const PCI_ADDRESS = 0xcf8
const CLOCK_INDEX = 0x70
const WRITE = 2
const USER = 4

/** A page fault of a string form: its error code and address. */
export interface PortFault {
  readonly error: number
  readonly linear: number
}

interface PortAccess {
  operate(domain: Domain): 'done' | 'refused' | PortFault
}

/** The access that an opcode (behind prefixes) is; undefined for other instructions. */
export function portsOf(vcpu: Vcpu, opcode: number, immediate: number): PortAccess | undefined {
  const direct = opcode >= 0xe4 && opcode <= 0xe7
  const byRegister = opcode >= 0xec && opcode <= 0xef
  const isString = opcode >= 0x6c && opcode <= 0x6f
  if (!direct && !byRegister && !isString) return undefined
  const port = direct ? immediate : vcpu.register(EDX) & 0xffff
  const prefixes = prefixesOf(vcpu, opcode)
  const bytes = (opcode & 1) === 0 ? 1 : prefixes.narrow ? 2 : 4
  return {
    operate(domain) {
      if (!mayUse(vcpu, domain, port, bytes)) return 'refused'
      const isGranted = !isKept(port, bytes) || (port === TIMER_MODE && isForChannel2(vcpu, opcode))
      if (domain.privileged && isGranted) return executeWithPorts(vcpu) ? 'done' : 'refused'
      return pretend(vcpu, domain, { opcode, port, bytes, direct, ...prefixes })
    },
  }
}

function mayUse(vcpu: Vcpu, domain: Domain, port: number, bytes: number): boolean {
  if (domain.mayUsePorts(vcpu.cpl)) return true
  const { ioBitmap, guest } = domain
  if (ioBitmap.address === 0 || port + bytes > ioBitmap.ports) return false
  for (let i = port; i < port + bytes; i++) {
    const at = guest.translate((ioBitmap.address + (i >>> 3)) >>> 0, false)
    if (at < 0 || ((guest.byte(ioBitmap.address + (i >>> 3)) >>> (i & 7)) & 1) !== 0) return false
  }
  return true
}

const isKept = (port: number, bytes: number) => KEPT.some(([first, last]) => port <= last && port + bytes > first)

/** True for OUT of a byte that says how channel 2 of the timer counts. */
const isForChannel2 = (vcpu: Vcpu, opcode: number) =>
  (opcode === 0xe6 || opcode === 0xee) && (vcpu.register(EAX) & CHANNEL) === CHANNEL_2

/** Executes the instruction at EIP with the processor's own I/O privilege. False when it met a fault. */
function executeWithPorts(vcpu: Vcpu): boolean {
  const flags = vcpu.eflags
  vcpu.eflags = flags | IOPL
  const fault = vcpu.execute()
  vcpu.eflags = (vcpu.eflags & ~IOPL) | (flags & IOPL)
  return fault === undefined
}

interface Prefixes {
  readonly length: number
  readonly narrow: boolean
  readonly repeated: boolean
}

/** What stands in front of the opcode at EIP. */
function prefixesOf(vcpu: Vcpu, opcode: number): Prefixes {
  const base = vcpu.segment(CS).base
  const found = { length: 0, narrow: false, repeated: false }
  for (; ; found.length++) {
    const byte = vcpu.load((base + vcpu.eip + found.length) >>> 0, 1, vcpu.cpl === 3)
    if (byte === opcode) return found
    if (byte === 0x66) found.narrow = true
    if (byte === 0xf2 || byte === 0xf3) found.repeated = true
  }
}

interface Access extends Prefixes {
  readonly opcode: number
  readonly port: number
  readonly bytes: number
  readonly direct: boolean
}

/** A port that no device answers: one iteration of a repeated instruction. */
function pretend(vcpu: Vcpu, domain: Domain, access: Access): 'done' | PortFault {
  const { opcode, port, bytes, direct, length, repeated } = access
  const isIn = (opcode & 2) === 0
  const user = vcpu.cpl === 3
  const end = vcpu.eip + length + (direct ? 2 : 1)
  if (opcode >= FIRST_DIRECT) {
    const value = vcpu.register(EAX)
    if (isIn) vcpu.setRegister(EAX, value - (value % 256 ** bytes) + readPort(domain, port, bytes))
    else writePort(domain, port, bytes, value)
    vcpu.eip = end
    return 'done'
  }
  const count = repeated ? vcpu.register(ECX) : 1
  if (count > 0) {
    const index = isIn ? EDI : ESI
    const at = (vcpu.segment(isIn ? ES : DS).base + vcpu.register(index)) >>> 0
    if (isIn) {
      if (vcpu.store(at, bytes, readPort(domain, port, bytes), user))
        return { error: WRITE | (user ? USER : 0), linear: at }
    } else {
      const value = vcpu.load(at, bytes, user)
      if (isFault(value)) return { error: user ? USER : 0, linear: at }
      writePort(domain, port, bytes, value as number)
    }
    const step = (vcpu.eflags & DIRECTION) !== 0 ? -bytes : bytes
    vcpu.setRegister(index, (vcpu.register(index) + step) >>> 0)
    if (repeated) vcpu.setRegister(ECX, count - 1)
  }
  if (count <= 1) vcpu.eip = end
  return 'done'
}

function readPort({ latches }: Domain, port: number, bytes: number): number {
  if (port === PCI_ADDRESS && bytes === 4) return latches.pciAddress
  let value = 0
  for (let i = bytes - 1; i >= 0; i--) value = value * 256 + (port + i === CLOCK_INDEX ? latches.clockIndex : ONES)
  return value
}

function writePort({ latches }: Domain, port: number, bytes: number, value: number) {
  if (port === PCI_ADDRESS && bytes === 4) latches.pciAddress = value
  for (let i = 0; i < bytes; i++) if (port + i === CLOCK_INDEX) latches.clockIndex = (value >>> (8 * i)) & 0xff
}
