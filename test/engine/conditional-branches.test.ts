// Conditional branches that have always been taken, or never, when their code is translated: what they have not led to is
// not translated with them, and nothing is different where they lead there later.
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { assembleFlat } from '../drivers/flat-code.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { CODE } from '../drivers/random-program.js'

const ROUNDS = 2000
/** EDI counts down; where it has no bit of the mask the branch is not taken, and what is rare comes. */
const program = (mask: number, branch: string) => `
        mov $${ROUNDS}, %edi
top:    add %edi, %eax
        test $${mask}, %edi
        ${branch}
        .rept 30; adc %eax, %ebx; rol %eax; .endr
1:      xor %ebx, %eax
        dec %edi
        jnz top
        int $0x30`
const RARE = 0x3ff // EDI is 1024 once

test.each(['jnz 1f', 'mov $0, %ecx; setnz %cl; inc %ecx; loop 1f'])('%s, not taken at last', async branch => {
  for (const seed of [1, 4, 6]) {
    const code = assembleFlat(program(RARE, branch), CODE)
    const lockstep = new Lockstep({ seed, make: (engine, thresholds) => flatMachine(code, { engine, thresholds }) })
    const result = lockstep.run(1_000_000)
    if (result.kind === 'difference') throw new Error(await lockstepReport(result))
    expect(result.kind).toBe('halted')
  }
})
test('what has never run is not translated', () => {
  const bytes = (mask: number) => {
    const thresholds = { hot: 500, batch: 1, urgent: 500 }
    const machine = flatMachine(assembleFlat(program(mask, 'jnz 1f'), CODE), { engine: 'blocks', thresholds })
    expect(machine.run(1_000_000).kind).toBe('halted')
    return machine.execution.engine.statistics!.bytes
  }
  expect(bytes(RARE)).toBeGreaterThan(0)
  expect(bytes(3)).toBeGreaterThan(bytes(RARE))
})
