// What a new unprivileged domain finds in xenstore, as Xen's tool stack writes it.

import { StoreTree } from './tree.js'

export interface StoreFacts {
  readonly domain: number
  readonly name: string
  readonly memoryKilobytes: number
  readonly storeFrame: number
  readonly storePort: number
  readonly consoleFrame: number
  readonly consolePort: number
}

const encoder = new TextEncoder()
/** The identity of a domain's virtual machine. */
const vmOf = (domain: number) => `00000000-0000-4000-8000-${Math.max(domain, 1).toString(16).padStart(12, '0')}`

/** Nodes without a value that the domain may write, below its home. */
const OF_THE_DOMAIN = [
  ...['device', 'device/suspend/event-channel', 'data', 'drivers', 'feature', 'attr', 'error'],
  ...['shutdown', 'feature-poweroff', 'feature-reboot', 'feature-suspend', 'sysrq'].map(name => `control/${name}`),
]

/** The tree. */
export function initialTree(facts: StoreFacts): StoreTree {
  const tree = new StoreTree()
  const vm = vmOf(facts.domain)
  const home = `/local/domain/${facts.domain}`
  const nodes: readonly (readonly [path: string, value: string | number])[] = [
    ['/local/domain/0', ''],
    ['/tool/xenstored', ''],
    [`/vm/${vm}/name`, facts.name],
    [`/vm/${vm}/uuid`, vm],
    [home, ''],
    [`${home}/vm`, `/vm/${vm}`],
    [`${home}/name`, facts.name],
    [`${home}/domid`, facts.domain],
    [`${home}/cpu/0/availability`, 'online'],
    [`${home}/memory/static-max`, facts.memoryKilobytes],
    [`${home}/memory/target`, facts.memoryKilobytes],
    [`${home}/memory/videoram`, 0],
    [`${home}/control/platform-feature-multiprocessor-suspend`, 1],
    [`${home}/control/platform-feature-xs_reset_watches`, 1],
    [`${home}/store/port`, facts.storePort],
    [`${home}/store/ring-ref`, facts.storeFrame],
    [`${home}/console/backend`, `/local/domain/0/backend/console/${facts.domain}/0`],
    [`${home}/console/backend-id`, 0],
    [`${home}/console/limit`, 1048576],
    [`${home}/console/type`, 'xenconsoled'],
    [`${home}/console/output`, 'pty'],
    [`${home}/console/tty`, ''],
    [`${home}/console/port`, facts.consolePort],
    [`${home}/console/ring-ref`, facts.consoleFrame],
  ]
  for (const [path, value] of nodes) tree.write(path, encoder.encode(String(value)), 0)
  for (const name of OF_THE_DOMAIN) {
    const node = tree.make(`${home}/${name}`, 0)
    node.permissions = [`n${facts.domain}`]
  }
  return tree
}
