// The back ends by name of their path.

import type { HypervisorKind } from './hypervisor.js'
import { native } from './native/native.js'
import { trap } from './trap/trap.js'
import { xen } from './xen/xen.js'

/** All back ends. */
export const hypervisors: readonly HypervisorKind[] = [native, trap, xen]

/** The back end of a path; undefined where this version has none. */
export function hypervisorKind(path: string): HypervisorKind | undefined {
  return hypervisors.find(kind => kind.path === path)
}
