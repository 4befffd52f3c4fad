// Takes the counts of an execution apart into priced events. What the processor executes is priced alike on every path;
// on `trap` and `xen` an instruction that leaves the guest costs the way out and back, and the hypervisor's work instead.

import { type Counts, type PricedPath, total } from './counts.js'
import type { Category, PricedEvent } from './events.js'
import { trapItems } from './itemize-trap.js'
import { xenItems } from './itemize-xen.js'
import { type Item, stringUnits } from './items.js'

const OWNERS: Readonly<Record<string, Category>> = { user: 'user', kernel: 'kernel', vmm: 'vmm', firmware: 'firmware' }

/** Events of sensitive classes (isa/sensitive.ts) that the processor executes itself. Others cost what they retire as. */
const PRIVILEGED: Readonly<Record<string, PricedEvent>> = {
  cli: 'cli',
  sti: 'sti',
  pushf: 'pushf',
  popf: 'popf',
  in: 'port',
  out: 'port',
  mov_to_control: 'cr_write',
  invlpg: 'invlpg',
  cpuid: 'cpuid',
  rdtsc: 'rdtsc',
  rdtscp: 'rdtsc',
  rdpmc: 'rdtsc',
  rdmsr: 'msr',
  wrmsr: 'msr',
  clts: 'system_register',
  lmsw: 'system_register',
  lgdt: 'system_register',
  lidt: 'system_register',
  lldt: 'system_register',
  ltr: 'system_register',
  mov_to_debug: 'system_register',
  mov_to_segment: 'segment_load',
  pop_segment: 'segment_load',
  load_far_pointer: 'segment_load',
  lar: 'segment_load',
  lsl: 'segment_load',
  verr: 'segment_load',
  verw: 'segment_load',
  far_jump: 'far_transfer',
  far_call: 'far_transfer',
  far_return: 'far_transfer',
}
const TRANSITIONS: Readonly<Record<string, PricedEvent>> = { iret: 'iret', sysenter: 'sysenter', sysexit: 'sysexit' }

/**
 * The events of an execution, halted time aside.
 * @throws Error for a path without a model of its costs
 */
export function itemize(path: PricedPath, counts: Counts): Item[] {
  const items = [...retired(counts), { event: 'tlb_fill', count: counts.tlbFills, category: 'tlb' } as const]
  if (path.path === 'native') items.push(...nativeItems(counts))
  else if (path.path === 'trap') items.push(...executed(counts, counts.entriesBy), ...trapItems(path.profile, counts))
  else if (path.path === 'xen') items.push(...executed(counts), ...xenItems(counts))
  else throw new Error(`there is no model of the costs of path ${path.path}; there are: native, trap, xen`)
  return items.filter(({ count }) => count > 0)
}

function retired({ instructionsBy }: Counts): Item[] {
  return Object.entries(instructionsBy).map(([owner, count]) => ({
    event: 'instruction',
    count,
    category: OWNERS[owner]!,
  }))
}

/** Sensitive instructions that the processor executes itself, those aside that leave the guest. */
function executed({ sensitive }: Counts, leaving: Readonly<Record<string, number>> = {}): Item[] {
  const classes = new Map<string, number>()
  for (const owner of Object.values(sensitive))
    for (const [name, count] of Object.entries(owner)) classes.set(name, (classes.get(name) ?? 0) + count)
  const items: Item[] = []
  for (const [name, all] of classes) {
    const count = Math.max(0, all - (leaving[name] ?? 0))
    if (PRIVILEGED[name]) items.push({ event: PRIVILEGED[name], count, category: 'privileged' })
    if (TRANSITIONS[name]) items.push({ event: TRANSITIONS[name], count, category: 'transitions' })
  }
  return items
}

function nativeItems(counts: Counts): Item[] {
  const transition = (event: PricedEvent, count: number) => ({ event, count, category: 'transitions' }) as const
  return [
    ...executed(counts),
    { event: 'port_string_unit', count: stringUnits(counts), category: 'privileged' },
    transition('software_interrupt', total(counts.softwareInterrupts)),
    transition('exception', total(counts.exceptions)),
    transition('interrupt', total(counts.interrupts)),
  ]
}
