// A whole PC with a guest of a few bytes, which writes to its serial line and halts.
// Run it with: node examples/run-machine.js
import { createMachine } from 'previrt'

const CODE = 0x100000
const TEXT = 0x100020
const COM1 = [0xf8, 0x03]

const machine = createMachine({ memory: 16 << 20, engine: 'blocks' })
machine.console.onOutput = bytes => console.log(new TextDecoder().decode(bytes).trim())
machine.onRun(budget => console.log(`running at most ${budget} instructions`))
machine.onEnd(result => console.log(`ended: ${result.kind}`))

machine.memory.write(TEXT, new TextEncoder().encode('hello from ring 0\n\0'))
machine.memory.write(
  CODE,
  Uint8Array.of(
    ...[0xbe, 0x20, 0x00, 0x10, 0x00], //   mov esi, TEXT
    ...[0x66, 0xba, ...COM1], //            mov dx, COM1
    ...[0xac, 0x84, 0xc0, 0x74, 0x03], //   next: lodsb; test al, al; jz end
    ...[0xee, 0xeb, 0xf8], //               out dx, al; jmp next
    ...[0xfa, 0xf4], //                     end: cli; hlt
  ),
)
const flat = (selector, rights) => ({ selector, base: 0, limit: 0xffffffff, rights })
const data = flat(0x10, 0xc093)
machine.state = { cr0: 1, eip: CODE, cs: flat(8, 0xc09b), ds: data, es: data, ss: data }

machine.run(1000)
console.log(`${machine.retired} instructions`)
