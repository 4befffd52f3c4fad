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

/** Workloads of mini: those of the above that need no file system, its self-check, and, by name only, single classes. */
export const MINI_WORKLOADS: readonly string[] = [
  ...['syscall', 'fork', 'exec', 'pipe', 'mmap', 'fault', 'signal', 'switch', 'fpu', 'tls', 'smc', 'sensitive'],
  ...['sort', 'sha', 'grep', 'loop'],
  ...['cli', 'sti', 'pushf', 'popf', 'segments', 'iret', 'pic', 'uart', 'cpuid'],
]

/** Parts of the workload `net`, each by itself: for figures of one kind of traffic. Not in `workload=all`. */
export const NETWORK_PARTS = ['net-echo', 'net-rr', 'net-up', 'net-down'] as const

/** Programs beside the workloads that their scripts call. */
export const TOOLS = ['text'] as const

/** Jobs of the benchmark: `bench=NAME`. The part before the underscore is the job's class. */
export const BENCH_JOBS = [
  'int_records',
  'int_sort',
  'int_sha256',
  'int_crc32',
  'int_sieve',
  'int_calls',
  'int_indirect',
  'int_muldiv',
  'int_bits',
  'int_dispatch',
  'int_hash',
  'smc_rewrite',
  'smc_generate',
  'mem_copyloop',
  'mem_repmovs',
  'mem_bytes',
  'mem_stride',
  'mem_chase',
  'fp_x87',
  'fp_sse2',
  'sys_getpid',
  'sys_fork',
  'sys_exec',
  'sys_pipe',
  'sys_mmap',
  'sys_signal',
  'sys_files',
  'sh_fork',
  'sh_pipeline',
  'sh_subst',
  'sh_loop',
  'sh_seq',
  'sh_awk',
  'sh_sort',
  'sh_grep',
  'sh_edit',
  'sh_gzip',
  'sh_gunzip',
  'sh_sha',
  'sh_find',
] as const

/** Exit status of a job whose device or processor feature is absent. */
export const STATUS_SKIPPED = 77
