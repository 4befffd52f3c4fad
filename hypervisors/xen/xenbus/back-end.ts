// One paravirtual device of a domain as xenstore shows it: the directories of both ends, and the handshake by their `state`
// nodes (xen/include/public/io/xenbus.h). What the device does is its model's business. Left out: hot unplugging.

import type { StoreServer } from '../store/server.js'
import type { StoreTree } from '../store/tree.js'

// States of one end.
const INITIALISING = 1
const INIT_WAIT = 2
const INITIALISED = 3
const CONNECTED = 4
const CLOSING = 5
const CLOSED = 6

type Nodes = Readonly<Record<string, string | number>>

/** A kind of device. */
export interface DeviceModel {
  /** Name of its directory: `vbd`, `vif`. */
  readonly kind: string
  /** Number of the device among those of its kind. */
  readonly number: number
  /** Nodes beside those that every device has, from the start. */
  readonly frontNodes: Nodes
  readonly backNodes: Nodes
  /** The front end's state Initialised is enough to connect; otherwise that says nothing, and Connected is waited for. */
  readonly connectsInitialised: boolean
  /**
   * The front end has published its rings.
   * @param read a node of the front end's directory
   * @returns nodes to publish, or undefined when these rings cannot be used
   */
  connect(read: (name: string) => string | undefined): Nodes | undefined
  /** The front end does not use its rings any more. */
  disconnect(): void
}

const CONTROL_DOMAIN = 0
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class DeviceBackEnd {
  private readonly front: string
  private readonly back: string

  /** @param domain that of the front end */
  constructor(
    private readonly domain: number,
    private readonly model: DeviceModel,
  ) {
    const { kind, number } = model
    this.front = `/local/domain/${domain}/device/${kind}/${number}`
    this.back = `/local/domain/${CONTROL_DOMAIN}/backend/${kind}/${domain}/${number}`
  }

  /** Puts the device into the tree of a domain that has not begun to run. */
  publish(tree: StoreTree) {
    const { front, back, domain, model } = this
    const put = (path: string, value: string | number) =>
      tree.write(path, encoder.encode(String(value)), CONTROL_DOMAIN)
    const home = { backend: back, 'backend-id': CONTROL_DOMAIN, state: INITIALISING, ...model.frontNodes }
    const own = { frontend: front, 'frontend-id': domain, online: 1, state: INIT_WAIT, ...model.backNodes }
    for (const [name, value] of Object.entries(home)) put(`${front}/${name}`, value)
    for (const [name, value] of Object.entries(own)) put(`${back}/${name}`, value)
    const permit = (path: string, names: readonly string[], permissions: readonly string[]) => {
      for (const at of [path, ...names.map(name => `${path}/${name}`)]) tree.find(at)!.permissions = [...permissions]
    }
    permit(front, Object.keys(home), [`n${domain}`, `r${CONTROL_DOMAIN}`])
    permit(back, Object.keys(own), [`n${CONTROL_DOMAIN}`, `r${domain}`])
  }

  /** The domain has written or removed a node. */
  changed(server: StoreServer, path: string) {
    const { front, back, model } = this
    if (path !== `${front}/state`) return
    const read = (at: string) => {
      const node = server.tree.find(at)
      return node && decoder.decode(node.value)
    }
    const mine = Number(read(`${back}/state`))
    const become = (state: number) => mine !== state && server.write(`${back}/state`, String(state))
    const state = Number(read(path))
    switch (state) {
      case INITIALISING:
        if (mine === CLOSED) become(INIT_WAIT)
        break
      case INITIALISED:
      case CONNECTED: {
        if (mine === CONNECTED || (state === INITIALISED && !model.connectsInitialised)) break
        const nodes = model.connect(name => read(`${front}/${name}`))
        for (const [name, value] of Object.entries(nodes ?? {})) server.write(`${back}/${name}`, String(value))
        become(nodes ? CONNECTED : CLOSING)
        break
      }
      case CLOSING:
        model.disconnect()
        become(CLOSING)
        break
      case CLOSED:
        model.disconnect()
        become(CLOSED)
        break
    }
  }
}
