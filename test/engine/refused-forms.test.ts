// Which instructions translated code leaves to the cold engine, on a processor of today and in code of 32 bits: those of
// kernels and old programs. One that programs execute all the time would cost ten times its time there.
import { GENERATION } from '../../src/cpu/layout.js'
import { HotContext } from '../../src/engine/hot-context.js'
import { Tape } from '../../src/ir/tape.js'
import { formName, forms, isDirectBranch } from '../../src/isa/forms.js'
import { semantics } from '../../src/semantics/index.js'

const RECORD = 0x3000
const system =
  'callf clts cpuid hlt in ins int int1 int3 into invd invlpg iret jmpf lar lgdt lidt lldt lmsw lsl ltr out outs ' +
  'rdmsr rdpmc rdtsc retf sysenter sysexit verr verw wbinvd wrmsr'
const moves = ['mov creg r32', 'mov dreg r32', 'mov r32 dreg']

test('translated code has what programs execute', () => {
  const cells = new Int32Array(0x2000)
  cells[GENERATION >> 2] = 15
  const context = new HotContext(cells)
  const refused = new Set<string>()
  for (const form of forms) {
    // Of repeated strings only flat ones have a quick way, but for LODS; branches are the region's own.
    if (form.addressSize !== 4 || isDirectBranch(form) || (form.rep && !form.flat)) continue
    context.begin(new Tape())
    if (context.instruction(form, semantics[form.mnemonic]!, RECORD, false)) continue
    refused.add(form.mnemonic === 'mov' ? formName(form) : form.mnemonic)
  }
  expect([...refused].sort()).toEqual([...system.split(' '), ...moves, 'lods'].sort())
})
