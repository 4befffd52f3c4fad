// Call gates, which no processor executes for a guest: the stacks and faults that Xen's emulation makes of them
// (xen/arch/x86/pv/emul-gate-op.c, which begins with what the processor does: SDM vol. 2, CALL).

import { engineNames } from '../../../src/engine/engines.js'
import { buildKernel, startDomain } from './domain.js'

const kernel = buildKernel('call-gates')
const called = ['cs 0xe02b', 'word 0x0', 'word 0xe033', 'word 0x0', 'word 0x0']

test.each(engineNames.flatMap(engine => ['4.17', '3.0'].map(profile => ({ engine, profile }))))(
  'from ring 3 and ring 1, $engine, profile $profile',
  options => {
    const domain = startDomain(kernel, options)
    expect(domain.run(20_000_000)).toEqual({ kind: 'power-off' })
    expect(domain.log().split('\n').slice(1, -1)).toEqual([
      'set_ldt 0',
      ...['direct eip 1', ...called],
      ...['indirect eip 1', ...called],
      ...['short eip 1', ...called],
      ...['again eip 1', ...called],
      'inner trap 13 error 0xc',
      'absent trap 11 error 0x14',
      'none trap 13 error 0x3c',
      'jump trap 13 error 0xe018',
      'set_ldt 0',
      ...['parameters eip 1', 'cs 0xe02b', 'word 0x1111', 'word 0x2222', 'word 0x0', 'word 0xe033'],
      'same 2',
      'same_cs 0xe019',
      'same_word 0x55',
      'same_jump 2',
    ])
  },
)
