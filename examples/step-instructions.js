// One CPU without a PC: maps memory, writes code, steps, and looks at registers and faults.
// Run it with: node examples/step-instructions.js
import { createCpu } from 'previrt'

const CODE = 0x400000
const DATA = 0x10000

const cpu = createCpu({ model: 'pentium4', engine: 'interpreter' })
cpu.map(CODE, 0x1000, { write: false, user: true })
cpu.map(DATA, 0x1000, { write: true, user: true })
cpu.write(CODE, Uint8Array.of(0x01, 0xc8, 0x89, 0x03)) // add eax, ecx; mov [ebx], eax
cpu.state = { eip: CODE, eax: 0xffffffff, ecx: 2, ebx: DATA }

console.log(cpu.step()) // { kind: 'done' }
const { eax, eflags } = cpu.state
console.log(`eax ${eax}, carry ${eflags & 1}`) // eax 1, carry 1

console.log(cpu.step(), cpu.read(DATA, 4)) // { kind: 'done' } Uint8Array(4) [ 1, 0, 0, 0 ]

cpu.unmap(DATA, 0x1000)
cpu.state = { eip: CODE + 2 }
console.log(cpu.step()) // { kind: 'fault', vector: 14, errorCode: 2, cr2: 65536 }
