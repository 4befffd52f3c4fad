// The entries of trap and emulate: under `all` each is a fault of a deprivileged kernel, as in 2005; under `vtx` a VM exit.

import { type Counts, total } from './counts.js'
import type { PricedEvent } from './events.js'
import { cardAccesses, type Item, stringUnits } from './items.js'

const WORK: Readonly<Record<string, PricedEvent>> = {
  fill: 'shadow_fill',
  guest_fault: 'reflect',
  table_write: 'table_write',
  device_memory: 'device_memory',
  exception: 'reflect',
  interrupt: 'inject',
  int: 'reflect',
  into: 'reflect',
  sysenter: 'reflect',
  in: 'emulate_port',
  out: 'emulate_port',
  ins: 'emulate_port',
  outs: 'emulate_port',
  ...ofWork('emulate_control', 'mov_to_control lmsw clts lgdt lidt lldt ltr mov_to_debug rdmsr wrmsr invd wbinvd'),
  ...ofWork('emulate_segment', 'mov_to_segment pop_segment load_far_pointer push_segment mov_from_segment'),
  ...ofWork('emulate_segment', 'lar lsl verr verw arpl'),
  ...ofWork('emulate_iret', 'iret far_jump far_call far_return sysexit'),
}

function ofWork(event: PricedEvent, kinds: string): Record<string, PricedEvent> {
  return Object.fromEntries(kinds.split(' ').map(kind => [kind, event]))
}

/** What leaving the guest costs under a policy, beside what its instructions cost themselves. */
export function trapItems(policy: string | undefined, counts: Counts): Item[] {
  const entries = counts.entriesBy ?? {}
  const items: Item[] = []
  const add = (event: PricedEvent, count: number, category: Item['category']) => items.push({ event, count, category })
  for (const [kind, count] of Object.entries(entries)) {
    if (policy === 'vtx') add('vm_exit', count, 'crossings')
    else add(kind === 'interrupt' ? 'interrupt' : 'exception', count, 'crossings')
    add(policy === 'vtx' ? 'vm_entry' : 'iret', count, 'crossings')
    add('monitor_switch', count, 'work')
    add(WORK[kind] ?? 'emulate_simple', count, 'work')
  }
  // The machine's own disk and network card are driven by the monitor, as the native kernel does it.
  add('emulate_string_unit', stringUnits(counts), 'work')
  add('port_string_unit', stringUnits(counts), 'work')
  add('port', cardAccesses(counts), 'work')
  if (entries.mov_to_control) {
    const loads = counts.operations.cr3_write ?? 0
    add('switch_space', loads, 'work')
    add('cr_write', loads, 'work')
  }
  add('invlpg', entries.invlpg ?? 0, 'work')
  // What the guest's own tables deliver without the monitor.
  add('software_interrupt', total(counts.softwareInterrupts) - (entries.int ?? 0) - (entries.into ?? 0), 'transitions')
  if (!('exception' in entries)) add('exception', exceptionsButPageFaults(counts), 'transitions')
  return items.filter(({ count }) => count > 0)
}

function exceptionsButPageFaults({ exceptions }: Counts): number {
  return total(exceptions) - (exceptions[PAGE_FAULT] ?? 0)
}
const PAGE_FAULT = '14'
