// The paths that a guest of ours can be run on, with what stands behind `--on`: for what must be the same on all of them.

export const PATHS = [
  ['native'],
  ['trap', '--trap-policy', 'all'],
  ['trap', '--trap-policy', 'vtx'],
  ['xen', '--xen-profile', '4.17'],
  ['xen', '--xen-profile', '3.0'],
] as const
