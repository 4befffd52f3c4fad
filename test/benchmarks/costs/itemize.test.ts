// Counts become priced events: every entry is paid for, and an instruction once. All expectations are computed by hand.
import { type Counts, NO_COUNTS } from '../../../benchmarks/costs/counts.js'
import { EVENTS, type PricedEvent } from '../../../benchmarks/costs/events.js'
import { itemize } from '../../../benchmarks/costs/itemize.js'
import { contributors, price } from '../../../benchmarks/costs/price.js'

/** How often each event is paid for, over all categories. */
function paid(
  path: string,
  profile: string | undefined,
  counts: Partial<Counts>,
): Partial<Record<PricedEvent, number>> {
  const sums: Partial<Record<PricedEvent, number>> = {}
  for (const { event, count } of itemize({ path, profile }, { ...NO_COUNTS, ...counts }))
    sums[event] = (sums[event] ?? 0) + count
  return sums
}

test('native: instructions by owner, sensitive ones by class, what is delivered, TLB refills', () => {
  expect(
    paid('native', undefined, {
      instructionsBy: { user: 1000, kernel: 500 },
      exceptions: { 14: 3, 0: 1 },
      interrupts: { 48: 2 },
      softwareInterrupts: { 128: 7 },
      // 12 units of IN: 4 single ones and 8 of one INS.
      operations: { in: 12, iret: 13, cr3_write: 2 },
      sensitive: {
        user: { int: 7 },
        kernel: { cli: 5, iret: 13, in: 4, ins: 8, mov_to_control: 2, pop_segment: 3, mov_from_segment: 9 },
      },
      tlbFills: 11,
    }),
  ).toEqual({
    instruction: 1500,
    exception: 4,
    interrupt: 2,
    software_interrupt: 7,
    iret: 13,
    cli: 5,
    port: 4,
    port_string_unit: 8,
    cr_write: 2,
    segment_load: 3,
    tlb_fill: 11,
  })
})

const TRAPPED: Partial<Counts> = {
  exceptions: { 14: 30, 6: 2 },
  softwareInterrupts: { 128: 5 },
  operations: { in: 6, cr3_write: 4 },
  sensitive: { user: { int: 5 }, kernel: { cli: 10, mov_to_control: 4, in: 6 } },
}

test('trap all: each entry is a fault and an IRET, with its own work; no instruction that left is paid as executed', () => {
  const entriesBy = {
    cli: 10,
    int: 5,
    mov_to_control: 4,
    in: 6,
    fill: 20,
    guest_fault: 3,
    table_write: 7,
    exception: 2,
    interrupt: 1,
  }
  expect(paid('trap', 'all', { ...TRAPPED, entriesBy })).toEqual({
    exception: 57,
    interrupt: 1,
    iret: 58,
    monitor_switch: 58,
    emulate_simple: 10,
    emulate_control: 4,
    emulate_port: 6,
    switch_space: 4,
    cr_write: 4,
    shadow_fill: 20,
    table_write: 7,
    reflect: 5 + 3 + 2,
    inject: 1,
  })
})

test('trap vtx: exits and entries for what leaves; CLI, system calls and other exceptions as native', () => {
  const entriesBy = { mov_to_control: 4, in: 6, fill: 20, guest_fault: 3 }
  expect(paid('trap', 'vtx', { ...TRAPPED, entriesBy })).toEqual({
    vm_exit: 33,
    vm_entry: 33,
    monitor_switch: 33,
    emulate_control: 4,
    emulate_port: 6,
    switch_space: 4,
    cr_write: 4,
    shadow_fill: 20,
    reflect: 3,
    cli: 10,
    software_interrupt: 5,
    exception: 2,
  })
})

test('xen: hypercalls, bounced traps, calls inside multicalls, entries of tables one by one', () => {
  expect(
    paid('xen', '4.17', {
      softwareInterrupts: { 128: 5, 130: 8 },
      sensitive: { vmm: { int: 8, popf: 3, iret: 6 } },
      entriesBy: { hypercall: 8, int_0x80: 5, exception_14: 4, exception_13: 1, alarm: 2 },
      // 2 multicalls of 3 calls each, and 6 calls on their own: 14 names counted for 8 entries.
      hypercalls: { multicall: 2, mmu_update: 5, mmuext_op: 4, set_timer_op: 1, stack_switch: 2 },
      upcalls: 2,
      disk: { reads: 1, writes: 1, flushes: 5 },
      network: { sent: 2, received: 1, sentBytes: 101, receivedBytes: 60 },
      pageTableUpdates: { entries: 50, batches: 5, tables: 3 },
      tlbFlushes: 4,
      tlbInvalidations: 6,
    }),
  ).toEqual({
    software_interrupt: 13,
    exception: 5,
    interrupt: 2,
    iret: 20 + 6,
    monitor_switch: 20,
    xen_hypercall: 8,
    xen_bounce: 5 + 4 + 2,
    xen_fault: 5,
    xen_emulate: 1,
    xen_base: 4,
    xen_timer: 1,
    xen_trivial: 2 + 2,
    xen_event: 2,
    xen_multicall_entry: 6,
    xen_table_entry: 50,
    xen_pin: 3,
    // Two sectors, and 161 bytes by words.
    port_string_unit: 512 + 81,
    port: 3 * 40,
    xen_flush: 10,
    cr_write: 4,
    invlpg: 6,
    popf: 3,
  })
})

test('xen 3.0: a system call that no entry was counted for goes straight into ring 1', () => {
  const counts = { softwareInterrupts: { 128: 5, 130: 1 }, entriesBy: { hypercall: 1 }, hypercalls: { sched_op: 1 } }
  expect(paid('xen', '3.0', counts).software_interrupt).toBe(5 + 1)
})

test('a path without a model is refused', () => {
  expect(() => itemize({ path: 'l4' }, NO_COUNTS)).toThrow(/no model.*l4/)
})

test('a price is the sum of events times prices, and is not known when one of them is not', () => {
  const prices = new Map<PricedEvent, number>([
    ['instruction', 1.5],
    ['cli', 10],
  ])
  const items = [
    { event: 'instruction', count: 100, category: 'user' },
    { event: 'instruction', count: 20, category: 'kernel' },
    { event: 'cli', count: 3, category: 'privileged' },
  ] as const
  const cost = price(items, prices)!
  expect(cost).toEqual({
    total: 210,
    byCategory: { user: 150, kernel: 30, privileged: 30 },
    byEvent: { instruction: 180, cli: 30 },
  })
  expect(price([...items, { event: 'vm_exit', count: 1, category: 'crossings' }], prices)).toBeUndefined()
  const cheaper = price(items.slice(0, 2), prices)!
  expect(contributors(cost, cheaper, 3)).toEqual([{ category: 'privileged', cycles: 30 }])
})

test('every event that has a price can be paid for', () => {
  const each = Object.fromEntries(Object.keys(EVENTS).map(event => [event, 0]))
  const all: Partial<Counts> = {
    instructionsBy: { user: 1 },
    tlbFills: 1,
    tlbFlushes: 1,
    tlbInvalidations: 1,
    exceptions: { 6: 1 },
    interrupts: { 48: 1 },
    softwareInterrupts: { 128: 2 },
    operations: { in: 100, cr3_write: 1 },
    upcalls: 1,
    pageTableUpdates: { entries: 1, batches: 1, tables: 1 },
  }
  const kernel = Object.fromEntries(
    'cli sti pushf popf in mov_to_control invlpg cpuid rdtsc rdmsr clts mov_to_segment far_jump iret sysenter sysexit'
      .split(' ')
      .map(name => [name, 1]),
  )
  const runs = [
    itemize({ path: 'native' }, { ...NO_COUNTS, ...all, sensitive: { kernel } }),
    itemize(
      { path: 'trap', profile: 'all' },
      {
        ...NO_COUNTS,
        ...all,
        entriesBy: {
          cli: 1,
          clts: 1,
          mov_to_control: 1,
          pop_segment: 1,
          iret: 1,
          in: 1,
          fill: 1,
          table_write: 1,
          device_memory: 1,
          int: 1,
          interrupt: 1,
        },
      },
    ),
    itemize({ path: 'trap', profile: 'vtx' }, { ...NO_COUNTS, ...all, entriesBy: { hlt: 1 } }),
    itemize(
      { path: 'xen' },
      {
        ...NO_COUNTS,
        ...all,
        entriesBy: { hypercall: 1, exception_13: 1 },
        hypercalls: {
          multicall: 1,
          mmuext_op: 1,
          update_descriptor: 1,
          set_timer_op: 1,
          sched_op: 1,
          iret: 1,
          memory_op: 1,
        },
      },
    ),
  ]
  for (const { event, count } of runs.flat()) each[event]! += count
  expect(Object.keys(each).filter(event => each[event] === 0)).toEqual([])
})
