// The image and the workloads that a command is to run many times, checked before the first run begins.

import { existsSync } from 'node:fs'
import { MINI_WORKLOADS, NETWORK_PARTS, WORKLOADS } from '../../images/jobs.js'
import { CommandError } from './failure.js'
import { requireName } from './image.js'
import { IMAGE_NAMES } from './options.js'

/**
 * Throws CommandError for an image that does not exist and for a workload that a named image does not have. What a kernel
 * file has is not known here.
 */
export function requireWorkloads(image: string, workloads: readonly string[]): void {
  if (!IMAGE_NAMES.includes(image)) {
    if (existsSync(image)) return
    if (image.includes('/')) throw new CommandError(`${image}: no such file; check the path`)
  }
  requireName(image)
  const known: readonly string[] = image === 'mini' ? MINI_WORKLOADS : [...WORKLOADS, ...NETWORK_PARTS]
  const unknown = workloads.find(name => name !== 'all' && !known.includes(name))
  if (unknown !== undefined)
    throw new CommandError(`no workload '${unknown}' in ${image}; there are: ${known.join(', ')}`)
}
