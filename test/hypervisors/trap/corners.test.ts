// Small kernels that do to a monitor what operating systems seldom do: each must end on trap, under both policies and every
// engine, exactly as it does on the machine itself: console, count, registers and memory.

import { engineNames } from '../../../src/engine/engines.js'
import { machineDigest } from '../../../src/machine/digest.js'
import { assembleKernel, type KernelRun, runCode } from '../../machine/kernel.js'
import { enterOnTrap, POLICIES, reserveFor } from './on-trap.js'

const MEMORY = 4 << 20
const DIRECTORY = 0x10000
const TABLE = 0x11000
const OTHER = 0x12000

/** Identity tables for the first 4 MiB, and paging on with WP. Nothing is said of other addresses. */
const paging = `
  movl $${TABLE}, %edi
  movl $7, %eax
1: stosl
  addl $0x1000, %eax
  cmpl $0x400007, %eax
  jne 1b
  movl $${TABLE} + 7, ${DIRECTORY}
  movl $${DIRECTORY}, %eax
  movl %eax, %cr3
  movl %cr0, %eax
  orl $0x80010000, %eax
  movl %eax, %cr0
`
/** A handler that tells error code and CR2 in hexadecimal and ends the run. */
const tellFault = `
fault:
  popl %ebx
  call hex
  movl %cr2, %ebx
  call hex
  finish 1
hex:
  movl $8, %ecx
1: roll $4, %ebx
  movl %ebx, %eax
  andb $15, %al
  addb $0x30, %al
  outb %al, $0xe9
  loop 1b
  say 0x20
  ret
`

const kernels: Record<string, string> = {
  'memory that does not exist reads as ones, and swallows what is written': `${paging}
  movl $0x00400007, ${TABLE} + 4 * 0x300   /* behind the guest's memory: the monitor's own frames */
  movl $0xd0000007, ${TABLE} + 4 * 0x301   /* no device */
  movl $0x12345678, 0x300000
  movl $0x12345678, 0x301ffc
  movl 0x300000, %ebx
  call hex
  movl 0x301ffc, %ebx
  call hex
  pushl 0x300010
  popl %ebx
  call hex
  finish 0
  ${tellFault}`,
  'a supervisor writes read-only pages until CR0.WP is set': `${paging}
  gate 14, fault
  movl $0x200005, ${TABLE} + 4 * 0x200
  movl %cr0, %eax
  andl $~0x10000, %eax
  movl %eax, %cr0
  movl $0xabcdef01, 0x200000
  addl $1, 0x200000
  movl 0x200000, %ebx
  call hex
  movl ${TABLE} + 4 * 0x200, %ebx
  call hex
  movl %cr0, %eax
  orl $0x10000, %eax
  movl %eax, %cr0
  movl $1, 0x200000
  finish 0
  ${tellFault}`,
  'tables change under a string instruction, and a page goes': `${paging}
  gate 14, fault
  movl $${OTHER} + 7, ${DIRECTORY} + 4
  movl $0x300000, %edi
  movl $1024, %ecx
  movl $0x55aa55aa, %eax
  rep stosl
  movl $${TABLE} + 0x400, %esi           /* entries of pages 0x100 and on become those of 4 MiB and on */
  movl $${OTHER}, %edi
  movl $0x300, %ecx
  rep movsl
  movl 0x400000 + 0x200000, %ebx
  call hex
  movl $${OTHER}, %edi
  movl $0x300, %ecx
  xorl %eax, %eax
  rep stosl
  movl %cr3, %eax
  movl %eax, %cr3
  movl 0x400000 + 0x200000, %ebx
  finish 0
  ${tellFault}`,
  'a directory that is its own table, changed through itself': `${paging}
  gate 14, fault
  movl $${DIRECTORY} + 3, ${DIRECTORY} + 4 * 0x3ff
  movl 0xfffff000, %ebx
  call hex
  movl $0x123007, 0xffc00000 + 4 * 0x200   /* the entry of page 0x200 */
  movl $0x1234, 0x200000
  movl 0x123000, %ebx
  call hex
  movl $0x124007, 0xffc00000 + 4 * 0x200
  invlpg 0x200000
  movl $0x5678, 0x200000
  movl 0x124000, %ebx
  call hex
  movl $0, 0xfffff000 + 4 * 0x3ff
  movl %cr3, %eax
  movl %eax, %cr3
  movl 0xffc00000, %ebx
  finish 0
  ${tellFault}`,
  'large pages beside small ones, accessed and dirty bits': `
  movl $0x83, ${DIRECTORY}                 /* the first 4 MiB as one page */
  movl $0x83, ${DIRECTORY} + 4             /* and again */
  movl $0x81, ${DIRECTORY} + 8             /* and read-only */
  movl $${DIRECTORY}, %eax
  movl %eax, %cr3
  movl %cr4, %eax
  orl $0x90, %eax
  movl %eax, %cr4
  movl %cr0, %eax
  orl $0x80010000, %eax
  movl %eax, %cr0
  gate 14, fault
  movl 0x400000 + ${DIRECTORY} + 4, %ebx
  call hex
  movl $0x1234, 0x600000
  movl ${DIRECTORY} + 4, %ebx
  call hex
  movl 0xa00000, %ebx
  call hex
  movl ${DIRECTORY} + 8, %ebx
  call hex
  movl $1, 0xa00000
  finish 0
  ${tellFault}`,
  'the stack of a handler is a page table': `${paging}
  gate 14, fault
  gate 0x40, back
  movl $${OTHER} + 7, ${DIRECTORY} + 4
  movl $0x123007, ${OTHER}
  movl $0x77, 0x400000
  movl $${OTHER} + 0xff0, %esp
  int $0x40
  movl $0x90000, %esp
  movl 0x123000, %ebx
  call hex
  movl ${OTHER} + 0xfec, %ebx              /* EFLAGS as the frame had it */
  call hex
  movl 0x400000 + 0x3fb000, %ebx           /* what the frame's EIP maps */
  finish 0
back:
  iretl
  ${tellFault}`,
  'a handler without a stack: a double fault by a task gate with tables of its own': `${paging}
  movl $${OTHER}, %edi
  movl $${DIRECTORY}, %esi
  movl $1024, %ecx
  rep movsl
  movl $0x1000 + 0x40, %edi                 /* TSS descriptors 0x40 and 0x48 in a longer GDT */
  movl $0x50000067, (%edi)
  movl $0x00008901, 4(%edi)
  movl $0x51000067, 8(%edi)
  movl $0x00008901, 12(%edi)
  pushl $0x1000
  pushw $0x4f
  lgdt (%esp)
  movw $0x40, %ax
  ltr %ax
  movl $${OTHER}, 0x15100 + 28              /* CR3, EIP, EFLAGS, ESP, segments of the new task */
  movl $doubled, 0x15100 + 32
  movl $2, 0x15100 + 36
  movl $0x8f000, 0x15100 + 56
  movl $16, 0x15100 + 72
  movl $8, 0x15100 + 76
  movl $16, 0x15100 + 80
  movl $16, 0x15100 + 84
  movw $0x48, 0x2000 + 8 * 8 + 2
  movw $0x8500, 0x2000 + 8 * 8 + 4
  gate 14, fault
  movl $0x300000, %esp
  movl $0, ${TABLE} + 4 * 0x2ff
  invlpg 0x2ff000
  movl 0x7fffffff, %eax
  finish 2
doubled:
  movl %cr3, %ebx
  call hex
  popl %ebx
  call hex
  movl %cr2, %ebx
  call hex
  finish 0
  ${tellFault}`,
  'single steps and a data breakpoint over what leaves the guest': `${paging}
  gate 1, traced
  gate 0x40, back
  xorl %esi, %esi
  pushfl
  orl $0x100, (%esp)
  popfl
  cpuid
  inb $0x80, %al
  pushl %ds
  popl %ds
  int $0x40
  movl %cr3, %eax
  movl %eax, %cr3
  movl $0x12345678, ${OTHER}
  pushfl
  andl $~0x100, (%esp)
  popfl
  movl %esi, %ebx
  call hex
  movl $0x200000, %eax
  movl %eax, %dr0
  movl $0x000d0002, %eax                   /* writes of four bytes at DR0 */
  movl %eax, %dr7
  movl $1, 0x200000
  movl $0x90909090, ${TABLE} + 4 * 0x300
  movl $1, 0x200004
  movl 0x200000, %eax
  xorl %eax, %eax
  movl %eax, %dr7
  movl $1, 0x200000
  movl %esi, %ebx
  call hex
  finish 0
traced:
  pushl %eax
  incl %esi
  shll $4, %esi
  movl %dr6, %eax
  addl %eax, %esi
  xorl %eax, %eax
  movl %eax, %dr6
  popl %eax
  iretl
back:
  iretl
  ${tellFault}`,
  'an empty directory': `${paging}
  movl $0x300000, %eax
  movl %eax, %cr3
  nop`,
  'a triple fault': `${paging}
  lidt 0x3000
  ud2`,
}

test('three-level paging ends the guest with a reason', () => {
  const code = assembleKernel('movl $0x20, %eax\n movl %eax, %cr4\n finish 0')
  const start = (machine: KernelRun['machine'], entry: Parameters<typeof enterOnTrap>[2]) => {
    enterOnTrap(machine, POLICIES[0]!, entry)
  }
  const { result } = runCode(code, 'blocks', { memory: MEMORY, reserve: reserveFor(MEMORY), start })
  expect(result).toMatchObject({ kind: 'crash', reason: expect.stringContaining('CR4.PAE') })
})

test.each(Object.keys(kernels))('%s', name => {
  const code = assembleKernel(kernels[name]!)
  const outcome = ({ machine, result, console }: KernelRun) => ({
    result,
    console,
    retired: machine.retired,
    digest: machineDigest(machine),
  })
  const options = { cpu: 'pentium3', memory: MEMORY }
  const native = outcome(runCode(code, 'reference', options))
  expect(['debug-exit', 'triple-fault']).toContain(native.result.kind)
  for (const policy of POLICIES)
    for (const engine of engineNames) {
      const start = (machine: KernelRun['machine'], entry: Parameters<typeof enterOnTrap>[2]) => {
        enterOnTrap(machine, policy, entry)
      }
      const trapped = runCode(code, engine, { ...options, reserve: reserveFor(MEMORY), start })
      expect({ policy, engine, ...outcome(trapped) }).toEqual({ policy, engine, ...native })
    }
})

test('a repeated port instruction is one entry, wherever a run ends in its midst', () => {
  const code = assembleKernel('movl $1000, %ecx\n movw $0x3fd, %dx\n movl $0x200000, %edi\n cld\n rep insb\n finish 0')
  const entriesIn = (slice?: number) => {
    let hosting: ReturnType<typeof enterOnTrap> | undefined
    const start = (machine: KernelRun['machine'], entry: Parameters<typeof enterOnTrap>[2]) => {
      hosting = enterOnTrap(machine, 'vtx', entry)
      // It is cut up to here; all else is one run.
      while (slice && machine.retired < 900) machine.run(slice)
    }
    const { result } = runCode(code, 'blocks', { memory: MEMORY, reserve: reserveFor(MEMORY), start })
    return { result: result.kind, entries: Object.fromEntries(hosting!.entries), counted: hosting!.counted }
  }
  const whole = entriesIn()
  expect(whole).toMatchObject({ result: 'debug-exit', entries: { ins: 1 } })
  for (const slice of [1, 7, 333]) expect(entriesIn(slice)).toEqual(whole)
})
