// Chips as a guest meets them on the whole machine, on every engine with equal counts.

import { MemoryStorage } from '../../src/devices/block-storage.js'
import { PacketLine } from '../../src/machine/line.js'
import { runKernel } from './kernel.js'

const DONE = { kind: 'debug-exit', value: 0 }
const sectors = (count: number) => Uint8Array.from({ length: 512 * count }, (_, at) => (at * 7 + (at >> 9)) & 0xff)

/** Reads or writes `count` sectors from 1 on, polling; the data moves with the given instructions. */
const transfer = (command: number, count: number, move: string) => `
  out 0x1f2, ${count}
  out 0x1f3, 1
  out 0x1f4, 0
  out 0x1f5, 0
  out 0x1f6, 0xe0
  out 0x1f7, ${command}
  movl $${count}, %ebx
1:
  movw $0x1f7, %dx
2:
  inb %dx, %al
  testb $8, %al
  jz 2b
  movw $0x1f0, %dx
  ${move}
  decl %ebx
  jnz 1b
`

test('A20: closed, the second megabyte is the first', () => {
  const { result, machine } = runKernel(
    `
    movb $0x11, 0x300
    movb $0x22, 0x200300
    movb $0x33, 0x300300
    out 0x92, 0
    movb 0x300300, %bl    /* 0x200300 */
    movb $0x44, 0x300300
    out 0x92, 2
    movb 0x300300, %bh
    movb 0x200300, %cl
    finish 0
  `,
    {
      memory: 8 << 20,
      // The code runs at 1 MiB: with the gate closed it is fetched at 0.
      prepare: ({ memory }) => memory.write(0, memory.read(0x100000, 0x200)),
    },
  )
  expect(result).toEqual(DONE)
  const { ebx, ecx } = machine.cpu.state
  expect([ebx & 0xffff, ecx & 0xff]).toEqual([0x3322, 0x44])
})

test('IDE: REP INSW moves whole sectors, each word retiring one instruction', () => {
  const data = sectors(8)
  const disk = new MemoryStorage(data)
  const move = 'movl $256, %ecx\n cld\n rep insw'
  const { result, machine } = runKernel(`movl $0x10ffe, %edi\n ${transfer(0x20, 3, move)}\n finish 0`, { disk })
  expect(result).toEqual(DONE)
  expect(machine.memory.read(0x10ffe, 3 * 512)).toEqual(data.slice(512, 4 * 512))
  const blockwise = machine.retired
  const loop = 'movl $256, %ecx\n 3: inw %dx, %ax\n stosw\n loop 3b'
  const plain = runKernel(`movl $0x10ffe, %edi\n ${transfer(0x20, 3, loop)}\n finish 0`, { disk })
  expect(plain.machine.memory.read(0x10ffe, 3 * 512)).toEqual(data.slice(512, 4 * 512))
  // INW, STOSW and LOOP instead of an iteration, and no CLD; the instruction REP INSW itself is its last iteration.
  expect(plain.machine.retired - blockwise).toBe(3 * (2 * 256 - 1))
})

test('IDE: REP OUTSL writes sectors, the interrupt of each comes between', () => {
  const bytes = sectors(8)
  const disk = new MemoryStorage(new Uint8Array(512 * 8))
  const { result, console } = runKernel(
    `
    gate 0x2e handler
    pics 0xfb, 0xbf
    sti
    movl $0x20003, %esi
    ${transfer(0x30, 2, 'movl $128, %ecx\n rep outsl')}
    say '.'
    finish 0
  handler:
    pushl %eax
    pushl %edx
    movw $0x1f7, %dx
    inb %dx, %al
    say 'i'
    out 0xa0, 0x20
    out 0x20, 0x20
    popl %edx
    popl %eax
    iret
  `,
    { disk, prepare: ({ memory }) => memory.write(0x20003, bytes.subarray(0, 1024)) },
  )
  expect(result).toEqual(DONE)
  expect(console).toBe('ii.')
  expect(disk.bytes.slice(512, 1536)).toEqual(bytes.slice(0, 1024))
  expect(disk.bytes.slice(1536)).toEqual(new Uint8Array(512 * 5))
})

test('string input into a page without rights faults before the port is read', () => {
  const { result, machine } = runKernel(`
    gate 14 handler
    /* identity map of 4 MiB, page 0x20 not present */
    movl $0x30000, %edi
    movl $0x007, %eax
    movl $1024, %ecx
  1:
    stosl
    addl $0x1000, %eax
    loop 1b
    movl $0, 0x30000 + 4 * 0x20
    movl $0x30007, 0x31000
    movl $0x31000, %eax
    movl %eax, %cr3
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    out 0x510, 0
    movw $0x510, %dx
    xorl %eax, %eax
    outw %ax, %dx
    movw $0x511, %dx
    movl $0x1fffe, %edi
    movl $4, %ecx
    rep insb
    finish 0
  handler:
    movl %ecx, %ebp
    movl $0x20007, 0x30000 + 4 * 0x20
    addl $4, %esp
    iret
  `)
  expect(result).toEqual(DONE)
  expect(machine.cpu.state.ebp).toBe(2)
  expect(new TextDecoder().decode(machine.memory.read(0x1fffe, 4))).toBe('QEMU')
})

test('string input into code that has run is executed', () => {
  const { result, machine } = runKernel(`
    movl $5, %ebx
  again:
    call patched
    decl %ebx
    jnz again
    out 0x510, 0
    movw $0x510, %dx
    xorl %eax, %eax
    outw %ax, %dx
    movw $0x511, %dx
    movl $patched, %edi
    movl $4, %ecx
    rep insb                /* QEMU: PUSH ECX, INC EBP, DEC EBP, PUSH EBP */
    movl $0x1234, %ecx
    call patched
    finish 0
  patched:
    nop
    nop
    nop
    nop
    nop
    cmpl $0, %ebx
    je 1f
    ret
  1:
    popl %esi
    popl %edi
    ret
  `)
  expect(result).toEqual(DONE)
  expect(machine.cpu.state.edi).toBe(0x1234)
})

test('string input stops at the end of a segment and runs backwards unit by unit', () => {
  const { result, machine } = runKernel(
    `
    gate 13 handler
    movl $0x0000000a, 0x1010
    movl $0x00009300, 0x1014
    movl $0x10, %eax
    movl %eax, %es            /* bytes 0 to 10 */
    movl $0x12345678, %eax
    outl %eax, $0xe0
    movl $0xe0, %edx
    xorl %edi, %edi
    movl $100, %ecx
    rep insl
    finish 1
  handler:
    movl %ecx, %ebp
    movl $0x0000ffff, 0x1010
    movl $0x00cf9300, 0x1014
    movl $0x10, %eax
    movl %eax, %es
    movl $0x20010, %edi
    movl $3, %ecx
    std
    rep insw
    movl %edi, %esi
    finish 0
  `,
    { testDevice: true },
  )
  expect(result).toEqual(DONE)
  expect(machine.cpu.state.ebp).toBe(98)
  expect(machine.cpu.state.esi).toBe(0x2000a)
  expect([...machine.memory.read(0, 12)]).toEqual([0x78, 0x56, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0])
  expect([...machine.memory.read(0x2000c, 6)]).toEqual([0x78, 0x56, 0x78, 0x56, 0x78, 0x56])
})

test('the test device: latch, memory and an interrupt line', () => {
  const { result, console, machine } = runKernel(
    `
    gate 0x25 handler
    pics 0xdf, 0xff
    movl $0x12345678, %eax
    outl %eax, $0xe0
    inb $0xe1, %al
    movb %al, %bl
    movl $0xcafe, 0xff000010
    addl $1, 0xff000010
    movl 0xff00000f, %esi
    sti
    out 0x2005, 1
    say '.'
    finish 0
  handler:
    out 0x2005, 0
    say 'i'
    movb $0x20, %al
    outb %al, $0x20
    iret
  `,
    { testDevice: true },
  )
  expect(result).toEqual(DONE)
  expect(console).toBe('i.')
  expect([machine.cpu.state.ebx & 0xff, machine.cpu.state.esi]).toEqual([0x56, 0xcaff00])
})

test('a pending x87 error with CR0.NE clear is IRQ 13, cleared at port 0xF0', () => {
  const { result, console } = runKernel(`
    gate 0x2d handler
    pics 0xfb, 0xdf
    movl %cr0, %eax
    andl $~0x2c, %eax
    movl %eax, %cr0
    fninit
    fldcw control
    sti
    fld1
    fldz
    fdivrp
    fwait
    say '.'
    finish 0
  handler:
    pushl %eax
    pushl %edx
    out 0xf0, 0
    fnclex
    say '!'
    out 0xa0, 0x20
    out 0x20, 0x20
    popl %edx
    popl %eax
    iret
  control: .word 0x37b
  `)
  expect([result, console]).toEqual([DONE, '!.'])
})

test('the NE2000 takes its interrupt for a frame, and sends one', () => {
  const network = new PacketLine('net')
  const sent: Uint8Array[] = []
  network.output = frame => sent.push(frame)
  const { result } = runKernel(
    `
    out 0x300, 0x21   /* stop, page 0 */
    out 0x30e, 0x49   /* words */
    out 0x304, 0x40   /* transmit page */
    out 0x308, 0x00
    out 0x309, 0x40
    out 0x30a, 60
    out 0x30b, 0
    out 0x30d, 0
    out 0x300, 0x12   /* remote write */
    movw $0x310, %dx
    movl $0x20000, %esi
    movl $30, %ecx
    rep outsw
    out 0x305, 60
    out 0x306, 0
    out 0x300, 0x26   /* transmit */
    finish 0
  `,
    { network, prepare: ({ memory }) => memory.write(0x20000, sectors(1)) },
  )
  expect(result).toEqual(DONE)
  expect(sent).toHaveLength(3) // one from each engine
  for (const frame of sent) expect(frame).toEqual(sectors(1).slice(0, 60))
})
