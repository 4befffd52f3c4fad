// The functions that semantics call by name (b.helper): all arguments and results are i32. One that fails has raised
// its exception in the FAULT cells, answers 0 and has changed nothing else that a program can see.

import {
  clearTaskSwitched,
  invalidatePage,
  loadMachineStatusWord,
  readControlRegister,
  requireCpl0,
  writeControlRegister,
} from './control-registers.js'
import type { Cpu } from './cpu.js'
import { cpuid } from './cpuid.js'
import { noteIo, readDebugRegister, writeDebugRegister } from './debug-registers.js'
import { softwareInterrupt } from './delivery.js'
import { farCall, farJump, farReturn } from './far-transfer.js'
import { clearInterruptFlag, popFlags, pushFlagsAllowed, setInterruptFlag } from './flag-changes.js'
import { checkIo } from './io-permission.js'
import { iret } from './iret.js'
import { CPL, DR, FAULT, GDTR_BASE, GDTR_LIMIT, IDTR_BASE, IDTR_LIMIT } from './layout.js'
import { probe } from './memory.js'
import { rdmsr, rdpmc, rdtsc, wrmsr } from './msr.js'
import { type Operation, operationNumber } from './operation-counts.js'
import { moveToSegment } from './segmentation.js'
import { sysenter, sysexit } from './sysenter.js'
import { lar, lldt, lsl, ltr, verr, verw } from './system-segments.js'

type Helper = (cpu: Cpu, ...args: number[]) => number
type Arguments = [cpu: Cpu, a: number, b: number, c: number, d: number]

/** A helper without a result: the function's answer only says whether it raised. */
const effect =
  (run: (...args: Arguments) => unknown): Helper =>
  (cpu, a = 0, b = 0, c = 0, d = 0) => {
    run(cpu, a, b, c, d)
    return 0
  }

/** A helper that may change the mode: whoever is told of that knows then that the instruction has yet to retire. */
const transfer =
  (run: (...args: Arguments) => unknown): Helper =>
  (cpu, a = 0, b = 0, c = 0, d = 0) => {
    cpu.transferring = 1
    run(cpu, a, b, c, d)
    cpu.transferring = 0
    return 0
  }

/** A helper whose successes are counted. */
const counted = (name: Operation, helper: Helper): Helper => {
  const number = operationNumber(name)
  return (cpu, a = 0, b = 0, c = 0, d = 0) => {
    const result = helper(cpu, a, b, c, d)
    if (cpu.i32[FAULT >> 2] === 0) cpu.operationCounts[number]!++
    return result
  }
}
/** A helper for string I/O: its result is a number of units. */
const countedUnits = (name: Operation, helper: Helper): Helper => {
  const number = operationNumber(name)
  return (cpu, port, size, host, count) => {
    const units = helper(cpu, port!, size!, host!, count!)
    cpu.operationCounts[number]! += units
    return units
  }
}

function loadTable(cpu: Cpu, limitCell: number, baseCell: number, limit: number, base: number) {
  if (!requireCpl0(cpu)) return
  cpu.i32[limitCell >> 2] = limit & 0xffff
  cpu.i32[baseCell >> 2] = base
}

const breakpointsInForce = (cpu: Cpu) => (cpu.i32[(DR >> 2) + 7]! & 0xff) !== 0
const asUser = (cpu: Cpu) => cpu.i32[CPL >> 2] === 3

export const helpers: Readonly<Record<string, Helper>> = {
  far_jump: counted(
    'far_transfer',
    transfer((cpu, selector, offset, size, next) => farJump(cpu, selector, offset, size, next)),
  ),
  far_call: counted(
    'far_transfer',
    transfer((cpu, selector, offset, size, next) => farCall(cpu, selector, offset, size, next)),
  ),
  far_return: counted(
    'far_transfer',
    transfer((cpu, size, bytes) => farReturn(cpu, size, bytes)),
  ),
  iret: counted(
    'iret',
    transfer((cpu, size, next) => iret(cpu, size, next)),
  ),
  interrupt: transfer((cpu, vector, kind, next) => softwareInterrupt(cpu, vector, kind, next)),
  load_segment: effect((cpu, n, selector) => moveToSegment(cpu, n, selector)),
  check_io: effect((cpu, port, size) => checkIo(cpu, port & 0xffff, size)),
  in: counted('in', (cpu, port = 0, size = 1) => {
    noteIo(cpu, port & 0xffff, size)
    return cpu.host.portIn(port & 0xffff, size) | 0
  }),
  out: counted(
    'out',
    effect((cpu, port, size, value) => {
      noteIo(cpu, port & 0xffff, size)
      cpu.host.portOut(port & 0xffff, size, size === 4 ? value >>> 0 : value & (size === 2 ? 0xffff : 0xff))
    }),
  ),
  // With breakpoints in force units are looked at one by one.
  in_block: countedUnits('in', (cpu, port = 0, size = 1, host = 0, count = 0) =>
    breakpointsInForce(cpu) ? 0 : (cpu.host.portInBlock?.(port & 0xffff, size, host >>> 0, count) ?? 0),
  ),
  out_block: countedUnits('out', (cpu, port = 0, size = 1, host = 0, count = 0) =>
    breakpointsInForce(cpu) ? 0 : (cpu.host.portOutBlock?.(port & 0xffff, size, host >>> 0, count) ?? 0),
  ),
  cpuid: counted('cpuid', effect(cpuid)),
  rdmsr: counted('rdmsr', effect(rdmsr)),
  wrmsr: counted('wrmsr', effect(wrmsr)),
  rdtsc: counted('rdtsc', effect(rdtsc)),
  rdpmc: effect(rdpmc),
  read_cr: counted('control_read', (cpu, n = 0) => readControlRegister(cpu, n)),
  write_cr: counted(
    'control_write',
    transfer((cpu, n, value) => writeControlRegister(cpu, n, value)),
  ),
  read_dr: (cpu, n = 0) => readDebugRegister(cpu, n),
  write_dr: counted(
    'debug_write',
    effect((cpu, n, value) => writeDebugRegister(cpu, n, value)),
  ),
  lgdt: counted(
    'lgdt',
    effect((cpu, limit, base) => loadTable(cpu, GDTR_LIMIT, GDTR_BASE, limit, base)),
  ),
  lidt: counted(
    'lidt',
    effect((cpu, limit, base) => loadTable(cpu, IDTR_LIMIT, IDTR_BASE, limit, base)),
  ),
  lldt: counted(
    'lldt',
    effect((cpu, selector) => lldt(cpu, selector)),
  ),
  ltr: counted(
    'ltr',
    effect((cpu, selector) => ltr(cpu, selector)),
  ),
  lmsw: transfer((cpu, value) => loadMachineStatusWord(cpu, value)),
  clts: counted('clts', effect(clearTaskSwitched)),
  invlpg: counted(
    'invlpg',
    effect((cpu, linear) => invalidatePage(cpu, linear)),
  ),
  hlt: counted(
    'hlt',
    effect(cpu => {
      if (requireCpl0(cpu)) cpu.host.halt()
    }),
  ),
  wbinvd: effect(requireCpl0),
  check_cpl0: effect(requireCpl0),
  sysenter: counted('sysenter', transfer(sysenter)),
  sysexit: counted('sysexit', transfer(sysexit)),
  verr: (cpu, selector = 0) => verr(cpu, selector),
  verw: (cpu, selector = 0) => verw(cpu, selector),
  lar: (cpu, selector = 0, size = 4) => lar(cpu, selector, size),
  lsl: (cpu, selector = 0, size = 4) => lsl(cpu, selector, size),
  popf: effect((cpu, value, size) => popFlags(cpu, value, size)),
  pushf_allowed: effect(pushFlagsAllowed),
  sti: effect(setInterruptFlag),
  cli: effect(clearInterruptFlag),
  code_written: (cpu, host = 0, bytes = 0) => {
    if (cpu.tlb.hasCode(host)) cpu.host.onCodeWrite(host, bytes)
    return 0
  },
  fpu_error: cpu => Number(cpu.host.fpuError()),
  probe_read: effect((cpu, linear, bytes) => probe(cpu, linear, bytes, false, asUser(cpu))),
  probe_write: effect((cpu, linear, bytes) => probe(cpu, linear, bytes, true, asUser(cpu))),
}
