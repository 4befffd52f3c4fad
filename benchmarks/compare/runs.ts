// The runs of a comparison. Native is the plain kernel on a processor with all that honest figures use; beside it stand the
// annotated kernel on that processor, and the plain one on the processor that guests see, stripped of SYSENTER and of
// large and global pages: what padding costs, and what the smaller processor costs, each alone.

/** One way to run the guest. */
export interface Run {
  /** PATH, or PATH/PROFILE. */
  readonly id: string
  readonly title: string
  readonly path: string
  readonly profile?: string
  /** For `previrt run`. */
  readonly arguments: readonly string[]
}

/** The run that all others are compared with. */
export const BASELINE = 'native'

const STRIPPED_CPU = 'previrt-guest'
const NAMED = ['linux', 'linux-net', 'mini']

/** Whether the image has a plain twin. */
export const isNamed = (image: string) => NAMED.includes(image)

function natives(image: string): Run[] {
  const native = (id: string, title: string, ...more: string[]): Run => ({
    id,
    title,
    path: 'native',
    arguments: ['--on', 'native', ...more],
  })
  if (!isNamed(image)) return [native(BASELINE, 'native')]
  return [
    native(BASELINE, 'native', '--plain'),
    native('native/annotated', 'native, annotated', '--cpu', 'pentium3'),
    native('native/stripped', 'native, stripped CPU', '--plain', '--cpu', STRIPPED_CPU),
  ]
}

function profiled(path: string, option: string, profile: string): Run {
  return {
    id: `${path}/${profile}`,
    title: `${path} ${profile}`,
    path,
    profile,
    arguments: ['--on', path, option, profile],
  }
}

const PROFILES: Readonly<Record<string, { option: string; all: readonly string[]; usual: readonly string[] }>> = {
  trap: { option: '--trap-policy', all: ['all', 'vtx'], usual: ['all', 'vtx'] },
  xen: { option: '--xen-profile', all: ['4.17', '3.0'], usual: ['4.17'] },
}

/**
 * The runs that a list of paths stands for: `native`, `trap` (both policies), `xen` (4.17), or one as `xen/3.0`.
 * @throws RangeError for a path that there is not, and for a list without native
 */
export function runsOf(image: string, paths: readonly string[]): Run[] {
  const runs = paths.flatMap(name => {
    if (name === BASELINE) return natives(image)
    const [path, profile] = name.split('/') as [string, string | undefined]
    const known = PROFILES[path]
    if (!known || (profile !== undefined && !known.all.includes(profile)))
      throw new RangeError(`no path '${name}' to compare; there are: ${everyPath().join(', ')}`)
    return (profile === undefined ? known.usual : [profile]).map(each => profiled(path, known.option, each))
  })
  const unique = [...new Map(runs.map(run => [run.id, run])).values()]
  if (unique[0]?.id !== BASELINE)
    throw new RangeError(`${paths.join(',')}: name ${BASELINE} first, all else is compared with it`)
  return unique
}

function everyPath(): string[] {
  return [
    BASELINE,
    ...Object.entries(PROFILES).flatMap(([path, { all }]) => [path, ...all.map(profile => `${path}/${profile}`)]),
  ]
}
