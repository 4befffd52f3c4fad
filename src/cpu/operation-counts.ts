// Which system operations of a program are counted as they complete: those that leave translated code anyway, so that
// counting costs nothing. Units of string I/O count one by one. The others (CLI, PUSHF, segment loads ...) are counted on
// request, by class, through the interception controls.

/** Names of the operations; the number of one is its place. `control_write` has CR3 too, `cr3_write` task switches too. */
export const OPERATIONS = [
  'iret',
  'far_transfer',
  'control_read',
  'control_write',
  'cr3_write',
  'invlpg',
  'clts',
  'in',
  'out',
  'hlt',
  'cpuid',
  'rdmsr',
  'wrmsr',
  'rdtsc',
  'debug_write',
  'lgdt',
  'lidt',
  'lldt',
  'ltr',
  'sysenter',
  'sysexit',
] as const

export type Operation = (typeof OPERATIONS)[number]

/** The number of an operation. */
export const operationNumber = (name: Operation) => OPERATIONS.indexOf(name)
