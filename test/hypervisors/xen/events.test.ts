// Events, time and frames as a kernel sees them; what is typed and printed; how a domain ends.

import { engineNames } from '../../../src/engine/engines.js'
import { buildKernel, startDomain } from './domain.js'

const BUDGET = 50_000_000
const lines = (text: string) => text.split('\n').filter(line => line !== '' && !line.startsWith('first_stack'))
const kernel = buildKernel('events')

/** As the public headers, the measured interface and (failsafe) the source of 4.17 have it. */
const expected = [
  'bind_timer 0',
  'tick_10_ms 1',
  'block_20_ms 1',
  'one_tick 1',
  'timer_port 1',
  'past_fires_at_once 1',
  'poll 0',
  'poll_timeout 1',
  'cancelled 1',
  'set_periodic 0',
  'periodic_2_ms 1',
  'register_runstate 0',
  'running 0',
  'still_running 0',
  'blocked_7_ms 1',
  'ran_since 1',
  'preempted 1',
  'masked 0',
  'pending_flag 1',
  'store_of_mask_delivers 0',
  'next_hypercall_delivers 1',
  'upcall_cs 1',
  'upcall_eflags 0x200',
  'masked_port 0',
  'unmask 0',
  'unmasked_port 1',
  'poll_pending 0',
  'mask_kept 1',
  'block_unmasks 1',
  'mask_after_block 0',
  'saved_mask_1 0x1',
  'flags_masked 0x0',
  'saved_mask_0 0x0',
  'flags_unmasked 0x200',
  'iret_eax 4711',
  'iret_masks 1',
  'iret_unmasks 0',
  'bad_return 1',
  'bad_return_vector 0xd',
  'bad_return_error 0x10',
  'bad_return_eip 0x5678',
  'bad_return_cs 0x13',
  'bad_return_esp 0x1234',
  'user_preempted 1',
  'user_vector 0x100',
  'user_cs 0xe02b',
  'user_tick 1',
  'user_hole 1',
  'user_hole_trap 14',
  'user_hole_error 0x7',
  'user_hole_cr2 0xf5800000',
]

test.each(engineNames)('timers, masks, upcalls, frames, engine %s', engine => {
  const domain = startDomain(kernel, { engine })
  expect(domain.run(BUDGET)).toEqual({ kind: 'power-off' })
  expect(lines(domain.log())).toEqual(expected)
})

test('profile 3.0: a return to bad selectors calls the failsafe callback', () => {
  const changed: Readonly<Record<string, string>> = {
    'bad_return_vector 0xd': 'bad_return_vector 0x101',
    'bad_return_error 0x10': 'bad_return_error 0x0',
  }
  const domain = startDomain(kernel, { profile: '3.0' })
  expect(domain.run(BUDGET)).toEqual({ kind: 'power-off' })
  expect(lines(domain.log())).toEqual(expected.map(line => changed[line] ?? line))
})

test('all engines come to the same state', () => {
  const states = engineNames.map(engine => {
    const domain = startDomain(kernel, { engine })
    domain.run(BUDGET)
    return { retired: domain.machine.retired, now: domain.machine.now, state: domain.machine.cpu.state }
  })
  for (const state of states) expect(state).toEqual(states[0])
})
