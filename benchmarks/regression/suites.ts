// Which workloads a suite has, and how many operations each does at full scale, for figures per operation.

import { MINI_WORKLOADS, WORKLOADS } from '../../images/jobs.js'

/** What `bench` measures by counting. */
export const SUITES = ['micro', 'macro', 'all'] as const
export type Suite = (typeof SUITES)[number]

/** The first eleven are one kernel service each; the others do work that somebody wants. */
const MICRO = 11

/** Names of the workloads of a suite that an image has. */
export function workloadsOf(suite: Suite, image: string): string[] {
  const all = suite === 'all' ? [...WORKLOADS] : suite === 'micro' ? WORKLOADS.slice(0, MICRO) : WORKLOADS.slice(MICRO)
  return image === 'mini' ? all.filter(name => MINI_WORKLOADS.includes(name)) : [...all]
}

/** One operation of a workload, and how many there are at full scale on Linux (images/workloads). */
export interface Operation {
  readonly unit: string
  readonly full: number
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  syscall: { unit: 'system call', full: 120_000 },
  fork: { unit: 'fork, exit, wait', full: 200 },
  exec: { unit: 'fork, exec, exit, wait', full: 100 },
  pipe: { unit: 'KiB through a pipe', full: 2_000_000 / 1024 },
  mmap: { unit: 'mapping made, touched, protected, unmapped', full: 150 },
  fault: { unit: 'exception with its handler', full: 1200 },
  signal: { unit: 'signal with its handler', full: 5000 },
  switch: { unit: 'process switch over a pipe', full: 8000 },
  fpu: { unit: 'round of x87 arithmetic', full: 60_000 },
  tls: { unit: 'process switch by sched_yield, with TLS', full: 8000 },
  smc: { unit: 'round of patched code', full: 2000 },
}

/** What one operation of a workload is, at a scale in per cent; undefined where that says nothing. */
export function operationOf(image: string, workload: string, scale = 100): Operation | undefined {
  const operation = image === 'mini' ? undefined : OPERATIONS[workload]
  return operation && { unit: operation.unit, full: (operation.full * scale) / 100 }
}
