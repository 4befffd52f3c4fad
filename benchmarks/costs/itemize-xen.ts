// The entries of a domain of Xen: hypercalls by interrupt, traps and software interrupts that Xen gives to ring 1, its
// timer; and Xen's work for each. Every mmuext_op is priced as a change of the table base, one that
// only flushes too: its list is not looked into. Loads of CR3 and INVLPG are those that the TLB saw.

import { type Counts, diskSectors, networkTraffic, total } from './counts.js'
import type { PricedEvent } from './events.js'
import { cardAccesses, type Item } from './items.js'

const WORK: Readonly<Record<string, PricedEvent>> = {
  mmuext_op: 'xen_base',
  update_descriptor: 'xen_descriptor',
  set_timer_op: 'xen_timer',
  vcpu_op: 'xen_timer',
  event_channel_op: 'xen_event',
  sched_op: 'xen_schedule',
  iret: 'xen_iret',
  stack_switch: 'xen_trivial',
  fpu_taskswitch: 'xen_trivial',
  multicall: 'xen_trivial',
}
/** Their entries are counted one by one. */
const TABLE_UPDATES = ['mmu_update', 'update_va_mapping', 'update_va_mapping_otherdomain']

/** Of two bytes in a sector. */
const UNITS = 256

/** What Xen costs a domain. */
export function xenItems(counts: Counts): Item[] {
  const { entriesBy = {}, hypercalls = {}, pageTableUpdates } = counts
  const items: Item[] = []
  const add = (event: PricedEvent, count: number, category: Item['category']) => items.push({ event, count, category })
  for (const [kind, count] of Object.entries(entriesBy)) {
    add(crossing(kind), count, 'crossings')
    add('iret', count, 'crossings')
    add('monitor_switch', count, 'work')
    if (kind === 'hypercall') add('xen_hypercall', count, 'work')
    else if (kind.startsWith('int_')) add('xen_bounce', count, 'work')
    else if (kind === 'exception_13') add('xen_emulate', count, 'work')
    else if (kind.startsWith('exception_')) add('xen_bounce', count, 'work')
    if (kind.startsWith('exception_')) add('xen_fault', count, 'work')
  }
  for (const [name, count] of Object.entries(hypercalls))
    if (!TABLE_UPDATES.includes(name)) add(WORK[name] ?? 'xen_other', count, 'work')
  add('xen_multicall_entry', hypercalls.multicall ? total(hypercalls) - (entriesBy.hypercall ?? 0) : 0, 'work')
  add('xen_table_entry', pageTableUpdates?.entries ?? 0, 'work')
  add('xen_pin', pageTableUpdates?.tables ?? 0, 'work')
  // Its own disk is read and written as the native kernel does it.
  add('port_string_unit', diskSectors(counts) * UNITS, 'work')
  // So is its own card, for the frames that go over the rings.
  add('port', cardAccesses(counts), 'work')
  add('port_string_unit', Math.ceil(networkTraffic(counts).bytes / 2), 'work')
  add('xen_event', counts.upcalls ?? 0, 'work')
  add('xen_bounce', counts.upcalls ?? 0, 'work')
  add('xen_flush', counts.tlbFlushes + counts.tlbInvalidations, 'work')
  add('cr_write', counts.tlbFlushes, 'work')
  add('invlpg', counts.tlbInvalidations, 'work')
  // Gates that lead straight into ring 1, as system calls on Xen 3.0.
  const bounced = Object.entries(entriesBy).reduce((sum, [kind, count]) => sum + (isGate(kind) ? count : 0), 0)
  add('software_interrupt', total(counts.softwareInterrupts) - bounced, 'transitions')
  return items.filter(({ count }) => count > 0)
}

const isGate = (kind: string) => kind === 'hypercall' || kind.startsWith('int_')

function crossing(kind: string): PricedEvent {
  if (isGate(kind)) return 'software_interrupt'
  return kind.startsWith('exception_') ? 'exception' : 'interrupt'
}
