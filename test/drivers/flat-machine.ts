// A whole machine with a small flat guest in it: 32-bit code at CODE, EBP at DATA, flat segments at CPL 0 or 3, an IDT
// whose handlers end the run, put pages back that were taken away, and count timer interrupts.

import { cpuModel } from '../../src/cpu/models.js'
import type { Thresholds } from '../../src/engine/blocks.js'
import type { EngineName } from '../../src/engine/engines.js'
import { Machine } from '../../src/machine/machine.js'
import { CODE, DATA, END_SERVICE, PAGE_SERVICE, STACK } from './random-program.js'

export interface FlatOptions {
  readonly engine: EngineName
  readonly thresholds?: Thresholds
  /** Identity-mapped pages for the first 4 MiB. */
  readonly paging?: boolean
  /** CPL 3, with IOPL 3. */
  readonly user?: boolean
  /** Period of the timer interrupt in ticks of 838 ns; without it there is none. */
  readonly timerTicks?: number
  /** Machine memory behind the guest's, for a hypervisor. */
  readonly reserve?: number
  /** The handler of the timer's vector acknowledges at the local APIC, not at the 8259. */
  readonly apicHandler?: boolean
}

const GDT = 0x2000
const IDT = 0x3000
const DIRECTORY = 0x4000
const TABLE = 0x5000
const COUNTS = 0x7000
const HANDLERS = 0x8000
const TSS = 0x9000
const KERNEL_STACK = 0x128000
const DEBUG = 1
const PAGE_FAULT = 14
const TIMER = 0x20
const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
const hex = (text: string) => text.split(' ').map(byte => Number.parseInt(byte, 16))

const STOP = hex('fa f4 eb fd') // cli; hlt; jmp back to the hlt
const TIMER_HANDLER = [0x50, 0xff, 0x05, ...le32(COUNTS), ...hex('b0 20 e6 20 58 cf')] // push eax; inc [COUNTS]; EOI; pop eax; iret
const APIC_HANDLER = [0xff, 0x05, ...le32(COUNTS), ...hex('c7 05 b0 00 e0 fe 00 00 00 00 cf')] // inc [COUNTS]; EOI; iret
const TRAP_HANDLER = [...hex('81 64 24 08 ff fe ff ff ff 05'), ...le32(COUNTS + 8), 0xcf] // and [esp + 8], ~TF; inc [COUNTS + 8]; iret
const PAGE_HANDLER = [
  ...hex('51 89 c1 c1 e9 0c 89 04 8d'), // push ecx; mov ecx, eax; shr ecx, 12; mov [TABLE + ecx * 4], eax
  ...le32(TABLE),
  ...hex('0f 01 38 59 cf'), // invlpg [eax]; pop ecx; iret
]
const FAULT_HANDLER = [
  ...hex('50 51 0f 20 d0 3d 00 00 40 00 73 23'), // push eax; push ecx; mov eax, cr2; cmp eax, 4M; jae end
  ...hex('89 c1 c1 e9 0c 25 00 f0 ff ff 83 c8 07 89 04 8d'), // ... or eax, 7; mov [TABLE + ecx * 4], eax
  ...le32(TABLE),
  ...hex('0f 01 38 ff 05'), // invlpg [eax]; inc [COUNTS + 4]
  ...le32(COUNTS + 4),
  ...hex('59 58 83 c4 04 cf'), // pop ecx; pop eax; add esp, 4; iret
  ...STOP,
]
/** ICWs for vectors from TIMER on, all lines but IRQ 0 masked, PIT channel 0 in mode 2. */
const program8259And8254 = (ticks: number) =>
  [
    [0x20, 0x11],
    [0x21, TIMER],
    [0x21, 4],
    [0x21, 1],
    [0x21, 0xfe],
    [0x43, 0x34],
    [0x40, ticks & 255],
    [0x40, ticks >> 8],
  ].flatMap(([port, value]) => [0xb0, value!, 0xe6, port!])

/** A machine of 4 MB at the first byte of the program, SSE enabled, x87 exceptions masked, registers but EBP and ESP 0. */
export function flatMachine(code: Uint8Array, options: FlatOptions): Machine {
  const { engine, thresholds, paging = false, user = false, timerTicks, reserve, apicHandler = false } = options
  const machine = new Machine({
    memory: 0x400000,
    reserve,
    model: cpuModel('pentium4'),
    engine,
    ...(thresholds && { thresholds }),
  })
  const { memory } = machine
  const write = (at: number, bytes: readonly number[]) => memory.write(at, Uint8Array.from(bytes))
  const descriptor = (rights: number) => [
    ...le32(0xffff),
    ...le32(((rights & 0xf000) << 8) | ((rights & 0xff) << 8) | 0xf0000),
  ]
  write(GDT, [0, 0, 0, 0, 0, 0, 0, 0, ...[0xc09b, 0xc093, 0xc0fb, 0xc0f3].flatMap(descriptor)])
  let at = HANDLERS
  const handler = (bytes: readonly number[]) => {
    write(at, bytes)
    at += bytes.length
    return at - bytes.length
  }
  const stop = handler(STOP)
  const targets = new Map([
    [TIMER, handler(apicHandler ? APIC_HANDLER : TIMER_HANDLER)],
    [DEBUG, handler(TRAP_HANDLER)],
    [PAGE_SERVICE, handler(PAGE_HANDLER)],
    [PAGE_FAULT, handler(FAULT_HANDLER)],
  ])
  for (let vector = 0; vector <= PAGE_SERVICE; vector++) {
    const offset = targets.get(vector) ?? stop
    const dpl = vector >= END_SERVICE ? 3 : 0
    write(IDT + 8 * vector, [...le32(0x80000 | offset), ...le32(0x8e00 | (dpl << 13))])
  }
  for (let page = 0; page < 1024; page++) write(TABLE + 4 * page, le32((page << 12) | 7))
  write(DIRECTORY, le32(TABLE | 7))
  write(TSS + 4, [...le32(KERNEL_STACK), ...le32(0x10)])
  const setup = timerTicks === undefined ? [] : [...program8259And8254(timerTicks), 0x31, 0xc0, 0xfb] // xor eax, eax; sti
  write(CODE - setup.length, setup)
  memory.write(CODE, code)
  const flat = (selector: number, rights: number) => ({ selector, base: 0, limit: 0xffffffff, rights })
  const data = user ? flat(0x23, 0xc0f3) : flat(0x10, 0xc093)
  machine.cpu.state = {
    cr0: 0x10033 | (paging ? 0x80000000 : 0),
    cr3: DIRECTORY,
    cr4: 0x600,
    eip: CODE - setup.length,
    ebp: DATA,
    esp: STACK,
    eflags: user ? 0x3002 : 2,
    cs: user ? flat(0x1b, 0xc0fb) : flat(0x08, 0xc09b),
    ...{ ds: data, es: data, ss: data, fs: data, gs: data },
    tr: { selector: 0x28, base: TSS, limit: 0x67, rights: 0x8b },
    gdtr: { base: GDT, limit: 0x27 },
    idtr: { base: IDT, limit: 8 * PAGE_SERVICE + 7 },
    x87: { cw: 0x37f },
  }
  return machine
}
