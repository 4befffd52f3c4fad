// Event channels: ports and what they are bound to (xen/include/public/event_channel.h), and the bits that the guest is
// shown of them, in shared_info or by the FIFO ABI. A port that becomes pending may raise the upcall flag of the virtual CPU.

import { SELF } from '../domains.js'
import { EEXIST, EINVAL, ENOENT, ENOSPC, EPERM, ESRCH } from '../errors.js'

// States of a port, as `status` tells them.
export const CLOSED = 0
export const UNBOUND = 1
export const INTERDOMAIN = 2
export const PIRQ = 3
export const VIRQ = 4
export const IPI = 5

/** Ports of a 32-bit guest. */
export const PORTS = 1024
const VIRQS = 24
export const VIRQ_TIMER = 0
/** Virtual interrupts that each virtual CPU has for itself: timer, debugger, profilers; all others are the domain's. */
const OF_VCPU = new Set([VIRQ_TIMER, 1, 7, 13])
/** Ports are made so many at a time. */
const PORTS_TOGETHER = 64
const CONTROL_DOMAIN = 0
export const VIRQ_CONSOLE = 2
export const PIRQS = 256

/** The bits in shared_info and vcpu_info, or in the words of the FIFO ABI. */
export interface SharedBits {
  pending(port: number): boolean
  setPending(port: number): void
  masked(port: number): boolean
  setMasked(port: number, on: boolean): void
  clearPending(port: number): void
  /** Pending ports stand in queues: one that is pending may yet have to be put there. */
  readonly queues?: boolean
  /** The guest has not taken the port from its queue. */
  busy?(port: number): boolean
  /** Sets the port's bit in the selector word, or puts it into its queue; true when there was nothing. */
  select(port: number): boolean
  upcallPending: boolean
}

/** Domains beside this one. */
export interface Others {
  channelsOf(domain: number): EventChannels | undefined
  /** Another domain has raised a port of this one. */
  stirred(): void
}
const nobody: Others = { channelsOf: () => undefined, stirred: () => {} }

/** Somebody in the hypervisor or beyond it at the other end of a channel. */
export type Listener = () => void

interface Port {
  state: number
  remoteDomain: number
  remotePort: number
  /** Number of the pirq or virq. */
  source: number
  listener: Listener | undefined
}

const closed = (): Port => ({ state: CLOSED, remoteDomain: 0, remotePort: 0, source: 0, listener: undefined })

export class EventChannels {
  private readonly ports: Port[] = [closed()]

  /**
   * @param domain id of the domain
   * @param bits where pending ports show
   * @param onUpcall told when the upcall flag goes up, or a port becomes pending
   */
  constructor(
    private readonly domain: number,
    private readonly bits: SharedBits,
    private readonly onUpcall: (port: number) => void,
    private readonly others: Others = nobody,
  ) {}

  private at(port: number): Port | undefined {
    const found = port > 0 && port < PORTS ? this.ports[port] : undefined
    return found && found.state !== CLOSED ? found : undefined
  }
  /** True for a port that was made, whether or not it is in use. */
  private exists(port: number): boolean {
    return port < Math.ceil(this.ports.length / PORTS_TOGETHER) * PORTS_TOGETHER
  }
  /** The error for another domain as the one to work on. */
  refusal(domain: number): number {
    return domain === CONTROL_DOMAIN || this.others.channelsOf(domain) ? EPERM : ESRCH
  }
  isOpen(port: number): boolean {
    return this.at(port) !== undefined
  }
  private isSelf(domain: number): boolean {
    return domain === SELF || domain === this.domain
  }
  /** The lowest port that is free, in a new state; an error when there is none. */
  private open(state: number, more: Partial<Port>): number {
    let port = 1
    while (port < PORTS && ((this.ports[port]?.state ?? CLOSED) !== CLOSED || this.bits.busy?.(port))) port++
    if (port === PORTS) return ENOSPC
    this.ports[port] = { ...closed(), state, ...more }
    return port
  }

  /** A port that another domain may bind to. Answers the port or an error, as do all that open one. */
  allocateUnbound(domain: number, remote: number): number {
    if (!this.isSelf(domain)) return this.refusal(domain)
    return this.open(UNBOUND, { remoteDomain: this.isSelf(remote) ? this.domain : remote })
  }
  /** A channel whose other end is in the hypervisor: console, store. */
  connect(remote: number, listener: Listener): number {
    return this.open(INTERDOMAIN, { remoteDomain: remote, listener })
  }
  bindInterdomain(remote: number, remotePort: number): number {
    const peer = this.peer(remote)
    if (!peer) return remote === CONTROL_DOMAIN ? EINVAL : ESRCH
    const other = peer.at(remotePort)
    if (!other || other.state !== UNBOUND || other.remoteDomain !== this.domain) return EINVAL
    const port = this.open(INTERDOMAIN, { remoteDomain: peer.domain, remotePort })
    if (port < 0) return port
    other.state = INTERDOMAIN
    other.remotePort = port
    this.raise(port)
    return port
  }
  /**
   * Connects the hypervisor's end to a port that the domain has opened for `remote`. Notifications may have been lost
   * before: the caller looks once.
   */
  attach(port: number, remote: number, listener: Listener): boolean {
    const found = this.at(port)
    if (found?.state !== UNBOUND || found.remoteDomain !== remote) return false
    found.state = INTERDOMAIN
    found.listener = listener
    return true
  }
  /** Takes back attach(): the port waits for another. */
  detach(port: number) {
    const found = this.at(port)
    if (!found?.listener) return
    found.state = UNBOUND
    found.listener = undefined
  }
  private peer(domain: number): EventChannels | undefined {
    return this.isSelf(domain) ? this : this.others.channelsOf(domain)
  }
  /** The other end of a channel that leads to a domain. */
  private otherEnd({ state, listener, remoteDomain, remotePort }: Port): Port | undefined {
    return state === INTERDOMAIN && !listener ? this.peer(remoteDomain)?.at(remotePort) : undefined
  }
  bindVirq(virq: number, vcpu: number): number {
    if (virq >= VIRQS) return EINVAL
    if (vcpu !== 0) return OF_VCPU.has(virq) ? ENOENT : EINVAL
    if (this.portOfVirq(virq) > 0) return EEXIST
    return this.open(VIRQ, { source: virq })
  }
  bindPirq(pirq: number): number {
    if (this.portOf(PIRQ, pirq) > 0) return EEXIST
    return this.open(PIRQ, { source: pirq })
  }
  bindIpi(vcpu: number): number {
    return vcpu === 0 ? this.open(IPI, {}) : ENOENT
  }
  bindVcpu(port: number, vcpu: number): number {
    if (vcpu !== 0) return ENOENT
    const found = this.at(port)
    if (!found) return EINVAL
    if (found.state === VIRQ) return OF_VCPU.has(found.source) ? EINVAL : 0
    return found.state === IPI ? EINVAL : 0
  }
  close(port: number): number {
    const found = this.at(port)
    if (!found) return EINVAL
    const other = this.otherEnd(found)
    if (other) {
      other.state = UNBOUND
      other.remoteDomain = this.domain
    }
    this.ports[port] = closed()
    this.bits.clearPending(port)
    return 0
  }
  /** Closes all ports. */
  reset() {
    for (let port = 1; port < this.ports.length; port++) if (this.at(port)) this.close(port)
  }
  send(port: number): number {
    const found = this.at(port)
    if (!found) return EINVAL
    if (found.state === INTERDOMAIN) found.listener ? found.listener() : this.raiseOther(found)
    else if (found.state === IPI) this.raise(port)
    else if (found.state !== UNBOUND) return EINVAL
    return 0
  }
  private raiseOther({ remoteDomain, remotePort }: Port) {
    const peer = this.peer(remoteDomain)
    peer?.raise(remotePort)
    if (peer !== this) peer?.others.stirred()
  }
  /** Clears the mask; a port that is pending raises the upcall again. */
  unmask(port: number): number {
    if (!this.exists(port)) return EINVAL
    if (!this.bits.masked(port) && !this.bits.queues) return 0
    this.bits.setMasked(port, false)
    if (this.bits.pending(port)) this.announce(port)
    return 0
  }
  /** What a port is; undefined for a number out of range. */
  status(port: number): { state: number; remoteDomain: number; remotePort: number; source: number } | undefined {
    return this.exists(port) ? (this.ports[port] ?? closed()) : undefined
  }

  /** The port of a kind with this source, or 0. */
  private portOf(state: number, source: number): number {
    const port = this.ports.findIndex(entry => entry.state === state && entry.source === source)
    return Math.max(port, 0)
  }
  portOfVirq(virq: number): number {
    return this.portOf(VIRQ, virq)
  }
  portOfPirq(pirq: number): number {
    return this.portOf(PIRQ, pirq)
  }
  /** For each port its state, other end, source, and whether the hypervisor listens. */
  save(): number[][] {
    return this.ports.map(({ state, remoteDomain, remotePort, source, listener }) => [
      state,
      remoteDomain,
      remotePort,
      source,
      Number(listener !== undefined),
    ])
  }
  /** @param listenerOf the listener of a port that has one */
  restore(saved: readonly (readonly number[])[], listenerOf: (port: number) => Listener | undefined) {
    this.ports.length = 0
    saved.forEach(([state, remoteDomain, remotePort, source, listens], port) => {
      const listener = listens === 1 ? listenerOf(port) : undefined
      this.ports.push({
        state: state!,
        remoteDomain: remoteDomain!,
        remotePort: remotePort!,
        source: source!,
        listener,
      })
    })
  }

  /** A virtual interrupt happens. */
  raiseVirq(virq: number) {
    const port = this.portOfVirq(virq)
    if (port > 0) this.raise(port)
  }
  /** A port becomes pending. */
  raise(port: number) {
    if (!this.at(port) || (this.bits.pending(port) && !this.bits.queues)) return
    this.bits.setPending(port)
    if (!this.bits.masked(port)) this.announce(port)
    this.onUpcall(port)
  }
  private announce(port: number) {
    if (!this.bits.select(port)) return
    if (this.bits.upcallPending) return
    this.bits.upcallPending = true
    this.onUpcall(port)
  }
}
