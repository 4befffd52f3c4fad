// The xenstore server for one domain: requests of the wire protocol (xen/include/public/io/xs_wire.h), transactions and
// watches. Paths that do not begin with a slash are the domain's own. Left out: what only the control domain's tools use.

import { isPath, type StoreError, StoreTree } from './tree.js'

// Types of messages.
const CONTROL = 0
const DIRECTORY = 1
const READ = 2
const GET_PERMS = 3
const WATCH = 4
const UNWATCH = 5
const TRANSACTION_START = 6
const TRANSACTION_END = 7
const GET_DOMAIN_PATH = 10
const WRITE = 11
const MKDIR = 12
const RM = 13
const SET_PERMS = 14
export const WATCH_EVENT = 15
export const ERROR = 16
const IS_DOMAIN_INTRODUCED = 17
const RESET_WATCHES = 19

export interface StoreMessage {
  readonly type: number
  readonly request: number
  readonly transaction: number
  readonly payload: Uint8Array
}

interface Watch {
  /** Absolute. */
  readonly path: string
  /** As the guest wrote it: events name paths in the same way. */
  readonly asked: string
  readonly token: string
}

interface Transaction {
  readonly tree: StoreTree
  readonly since: number
  readonly changed: string[]
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const text = (value: string) => encoder.encode(`${value}\0`)
const OK = text('OK')

/** Answers a request, or throws the name of an error as a StoreRefusal. */
class StoreRefusal extends Error {
  constructor(readonly code: StoreError) {
    super(code)
  }
}

export class StoreServer {
  private readonly watches: Watch[] = []
  private readonly transactions = new Map<number, Transaction>()
  private nextTransaction = 1
  /** Told of each node that the domain has written or removed, after its watches have fired. */
  onWritten: (path: string) => void = () => {}

  /** @param send receives answers and watch events in order */
  constructor(
    public tree: StoreTree,
    private readonly domain: number,
    private readonly send: (message: StoreMessage) => void,
  ) {}

  /** Handles one request. */
  request(message: StoreMessage) {
    const { type, request, transaction } = message
    const fired: string[] = []
    let payload: Uint8Array
    let answer = type
    try {
      payload = this.perform(message, fired)
    } catch (error) {
      if (!(error instanceof StoreRefusal)) throw error
      answer = ERROR
      payload = text(error.code)
    }
    this.send({ type: answer, request, transaction, payload })
    if (answer === WATCH) this.fire(this.watches.at(-1)!, this.watches.at(-1)!.path)
    for (const path of fired) {
      this.changed(path)
      this.onWritten(path)
    }
  }

  save() {
    const transactions = [...this.transactions].map(([id, { tree, since, changed }]) => ({
      id,
      tree: tree.save(),
      since,
      changed: [...changed],
    }))
    const watches = this.watches.map(({ path, asked, token }) => [path, asked, token])
    return { tree: this.tree.save(), watches, transactions, nextTransaction: this.nextTransaction }
  }
  restore({ tree, watches, transactions, nextTransaction }: ReturnType<StoreServer['save']>) {
    this.tree = StoreTree.restored(tree)
    const restored = watches.map(([path, asked, token]) => ({ path: path!, asked: asked!, token: token! }))
    this.watches.splice(0, this.watches.length, ...restored)
    this.transactions.clear()
    for (const { id, tree, since, changed } of transactions)
      this.transactions.set(id, { tree: StoreTree.restored(tree), since, changed: [...changed] })
    this.nextTransaction = nextTransaction
  }

  /** Somebody outside the domain writes a node: watches fire. */
  write(path: string, value: string) {
    this.tree.write(path, encoder.encode(value), 0)
    this.changed(path)
  }

  private perform({ type, transaction, payload }: StoreMessage, fired: string[]): Uint8Array {
    const parts = split(payload)
    const current = transaction === 0 ? undefined : this.transactions.get(transaction)
    if (transaction !== 0 && !current) throw new StoreRefusal('ENOENT')
    const tree = current?.tree ?? this.tree
    const path = () => this.absolute(parts[0])
    const node = () => {
      const found = tree.find(path())
      if (!found) throw new StoreRefusal('ENOENT')
      return found
    }
    const change = (at: string) => (current ? current.changed : fired).push(at)
    switch (type) {
      case DIRECTORY:
        return encoder.encode(Array.from(node().children.keys(), name => `${name}\0`).join(''))
      case READ:
        return node().value
      case GET_PERMS:
        return encoder.encode(
          node()
            .permissions.map(entry => `${entry}\0`)
            .join(''),
        )
      case WRITE: {
        const end = payload.indexOf(0)
        if (end < 0) throw new StoreRefusal('EINVAL')
        this.mayWrite(path())
        tree.write(path(), payload.slice(end + 1), this.domain)
        change(path())
        return OK
      }
      case MKDIR:
        this.mayWrite(path())
        if (!tree.find(path())) {
          tree.make(path(), this.domain)
          change(path())
        }
        return OK
      case RM:
        this.mayWrite(path())
        if (!tree.find(path()) && !tree.find(path().slice(0, path().lastIndexOf('/')) || '/'))
          throw new StoreRefusal('ENOENT')
        if (tree.remove(path())) change(path())
        return OK
      case SET_PERMS:
        this.mayWrite(path())
        node().permissions = parts.slice(1).filter(entry => entry !== '')
        change(path())
        return OK
      case TRANSACTION_START: {
        if (current) throw new StoreRefusal('EINVAL')
        const id = this.nextTransaction++
        this.transactions.set(id, { tree: this.tree.copy(), since: this.tree.generation, changed: [] })
        return text(String(id))
      }
      case TRANSACTION_END:
        return this.endTransaction(transaction, current, parts[0], fired)
      case WATCH:
        return this.watch(parts)
      case UNWATCH: {
        const index = this.watches.findIndex(({ asked, token }) => asked === parts[0] && token === parts[1])
        if (index < 0) throw new StoreRefusal('ENOENT')
        this.watches.splice(index, 1)
        return OK
      }
      case RESET_WATCHES:
        this.watches.length = 0
        this.transactions.clear()
        return OK
      case GET_DOMAIN_PATH:
        return text(`/local/domain/${domainOf(parts[0])}`)
      case IS_DOMAIN_INTRODUCED:
        return text([this.domain, 0].includes(domainOf(parts[0])) ? 'T' : 'F')
      case CONTROL:
        throw new StoreRefusal('EACCES')
      default:
        throw new StoreRefusal('ENOSYS')
    }
  }

  private endTransaction(id: number, current: Transaction | undefined, commit: string | undefined, fired: string[]) {
    if (!current) throw new StoreRefusal('ENOENT')
    if (commit !== 'T' && commit !== 'F') throw new StoreRefusal('EINVAL')
    this.transactions.delete(id)
    if (commit === 'F') return OK
    if (this.tree.generation !== current.since) throw new StoreRefusal('EAGAIN')
    if (current.changed.length > 0) this.tree.replace(current.tree)
    fired.push(...current.changed)
    return OK
  }

  private watch([asked, token]: string[]): Uint8Array {
    if (asked === undefined || token === undefined) throw new StoreRefusal('EINVAL')
    const path = asked.startsWith('@') ? asked : this.absolute(asked)
    if (this.watches.some(known => known.asked === asked && known.token === token)) throw new StoreRefusal('EEXIST')
    this.watches.push({ path, asked, token })
    return OK
  }
  /** A node has changed: watches on it, above it and (when it was removed) below it fire. */
  private changed(path: string) {
    for (const watch of [...this.watches])
      if (path === watch.path || path.startsWith(watch.path === '/' ? '/' : `${watch.path}/`)) this.fire(watch, path)
  }
  private fire({ path, asked, token }: Watch, changed: string) {
    const named = asked + changed.slice(path.length)
    this.send({ type: WATCH_EVENT, request: 0, transaction: 0, payload: encoder.encode(`${named}\0${token}\0`) })
  }

  private absolute(path: string | undefined): string {
    if (path === undefined || path === '') throw new StoreRefusal('EINVAL')
    const absolute = path.startsWith('/') ? path : `/local/domain/${this.domain}/${path}`
    if (!isPath(absolute)) throw new StoreRefusal('EINVAL')
    return absolute
  }
  private mayWrite(path: string) {
    if (this.domain === 0) return
    const own = `/local/domain/${this.domain}`
    if (path !== own && !path.startsWith(`${own}/`)) throw new StoreRefusal('EACCES')
  }
}

/** A domain's number as a request writes it. */
function domainOf(written: string | undefined): number {
  if (written === undefined || !/^\d{1,5}$/.test(written)) throw new StoreRefusal('EINVAL')
  return Number(written)
}

/** The strings of a payload, each ended by a zero or by the end. */
function split(payload: Uint8Array): string[] {
  const parts = decoder.decode(payload).split('\0')
  if (parts.at(-1) === '') parts.pop()
  return parts
}
