// The local APIC in a machine: its page, its interrupts beside those of the 8259 pair, NMI, and the MSR that moves it.
// Every kernel runs on every engine with equal counts: an access to device memory is exact.

import { runKernel } from './kernel.js'

const APIC = 0xfee00000
const SETUP = `
  movl $0x1ff, ${APIC} + 0xf0
  movl $0, ${APIC} + 0x80
`

test('an interrupt sent to self comes right behind the store', () => {
  const { result, console, machine } = runKernel(`
    gate 0x41 handler
    ${SETUP}
    sti
    movl $20, %ecx
  again:
    movl $0x40041, ${APIC} + 0x300
    incl %ebx
    addl %ebx, %esi
    loop again
    say '.'
    finish 0
  handler:
    addl %ebx, %edi
    movl $0, ${APIC} + 0xb0
    iret
  `)
  expect(result).toEqual({ kind: 'debug-exit', value: 0 })
  expect(console).toBe('.')
  // 0 + 1 + ... + 19: each handler saw EBX before the increment that follows the store.
  expect(machine.cpu.state.edi).toBe(190)
  expect(machine.cpu.interruptCounts[0x41]).toBe(20)
})

test('the timer wakes the halted CPU, once and periodically', () => {
  const { result, machine } = runKernel(`
    gate 0x40 handler
    ${SETUP}
    movl $0xb, ${APIC} + 0x3e0    /* divide by 1 */
    movl $0x40, ${APIC} + 0x320   /* one shot */
    movl $50000, ${APIC} + 0x380
    sti
    hlt
    cmpl $1, %ebx
    jne bad
    movl $0x20040, ${APIC} + 0x320 /* periodic */
    movl $10000, ${APIC} + 0x380
  more:
    hlt
    cmpl $5, %ebx
    jb more
    cli
    movl ${APIC} + 0x390, %ebp
    finish 0
  bad:
    finish 1
  handler:
    incl %ebx
    movl $0, ${APIC} + 0xb0
    iret
  `)
  expect(result).toEqual({ kind: 'debug-exit', value: 0 })
  expect(machine.now).toBeGreaterThan(90_000)
  expect(machine.now).toBeLessThan(91_000)
  // The count is exact: INCL, MOVL, IRET, CMPL, JB and CLI have run since the last expiry.
  expect(machine.cpu.state.ebp).toBe(10_000 - 6)
})

test('an NMI sent to self comes with interrupts off, and not again before IRET', () => {
  const { result, console } = runKernel(`
    gate 2 handler
    ${SETUP}
    cli
    movl $0x400, ${APIC} + 0x310
    movl $0x40400, ${APIC} + 0x300
    say 'm'
    finish 0
  handler:
    pushl %eax
    incl %ebx
    cmpl $1, %ebx
    jne second
    movl $0x40400, ${APIC} + 0x300  /* held back until IRET */
    say 'a'
    popl %eax
    iret
  second:
    say 'b'
    popl %eax
    iret
  `)
  expect(result).toEqual({ kind: 'debug-exit', value: 0 })
  expect(console).toBe('abm')
})

test('requests of the 8259 pair pass LINT0, until it is masked', () => {
  const { result, console } = runKernel(`
    gate 0x20 handler
    ${SETUP}
    movl $0x700, ${APIC} + 0x350
    pics 0xfe, 0xff
    out 0x43, 0x34
    out 0x40, 0xff
    out 0x40, 0x00
    sti
    hlt
    say '1'
    hlt
    say '2'
    movl $0x10700, ${APIC} + 0x350
    movl $0x300000, %ecx
  idle:
    subl $16, %ecx
    jnz idle
    say '3'
    finish 0
  handler:
    incl %ebx
    say 'i'
    movb $0x20, %al
    outb %al, $0x20
    iret
  `)
  expect(result).toEqual({ kind: 'debug-exit', value: 0 })
  expect(console).toBe('i1i23')
})

test('the MSR moves the page and turns the APIC off', () => {
  const { machine } = runKernel(`
    movl $0x1b, %ecx
    rdmsr
    movl %eax, %ebx
    movl $0xfee01900, %eax
    wrmsr
    movl ${APIC} + 0x1030, %esi
    movl ${APIC} + 0x30, %edi
    movl $0xfee00100, %eax
    wrmsr
    movl ${APIC} + 0x30, %ebp
    finish 0
  `)
  const { ebx, esi, edi, ebp } = machine.cpu.state
  expect([ebx, esi, edi, ebp]).toEqual([0xfee00900, 0x00050014, 0xffffffff, 0xffffffff])
})

test('a CPU without an APIC has nothing there', () => {
  const { machine } = runKernel(`movl ${APIC} + 0x30, %ebx\nfinish 0\n`, { cpu: 'pentium3' })
  expect(machine.cpu.state.ebx).toBe(0xffffffff)
})
