// The names of what a guest of ours can run, in the order of `workload=all` and `bench=all`. A job is a C
// program `<folder>/NAME.c` over the runtime of images/workloads/runtime, or a script `<folder>/shell/NAME.sh`.

/** Workloads: `workload=NAME` on the kernel's command line. */
export const WORKLOADS = [
  'syscall',
  'fork',
  'exec',
  'pipe',
  'mmap',
  'fault',
  'signal',
  'switch',
  'fpu',
  'tls',
  'smc',
  'sort',
  'gzip',
  'sha',
  'awk',
  'grep',
  'loop',
  'compile',
  'disk',
  'net',
] as const

/** Jobs of the benchmark: `bench=NAME`. The part before the underscore is the job's class. */
export const BENCH_JOBS = [] as const

/** Exit status of a job whose device or processor feature is absent. */
export const STATUS_SKIPPED = 77
