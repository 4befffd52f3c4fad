// Which files of a guest the afterburner leaves alone, and why: code that does not run in the kernel's own address
// space and mode. A file is named by a part of the path of its object file.

/** One rule. */
export interface SkipRule {
  /** Part of the object's path, as the kernel's build spells it. */
  readonly path: string
  readonly reason: string
}

/** The rules, applied to every guest. */
export const SKIP_RULES: readonly SkipRule[] = [
  { path: 'arch/x86/entry/vdso/', reason: 'runs in user mode' },
  { path: 'arch/x86/boot/', reason: 'decompressor and real-mode setup: gone before the kernel starts' },
  { path: 'arch/x86/realmode/rm/', reason: 'real-mode trampoline' },
  { path: 'arch/x86/purgatory/', reason: 'runs after the kernel' },
  { path: 'scripts/', reason: 'programs of the build' },
  { path: 'tools/', reason: 'programs of the build' },
]

/** The rules as text for people, one line each. */
export function describeRules(): string {
  return SKIP_RULES.map(rule => `left alone: ${rule.path} (${rule.reason})`).join('\n')
}
