// The tree of xenstore (docs/misc/xenstore.txt): nodes with a value, children and permissions, by absolute path. A
// transaction works on a copy, which takes the place of the tree at its end unless somebody else has written meanwhile.

export interface StoreNode {
  value: Uint8Array
  readonly children: Map<string, StoreNode>
  /** As in GET_PERMS: `n0`, `r5`, ... */
  permissions: string[]
}

/** What a tree saves. */
export type SavedTree = {
  readonly generation: number
  readonly nodes: { path: string; value: Uint8Array; permissions: string[] }[]
}

/** Names of the error numbers that the protocol sends. */
export type StoreError = 'ENOENT' | 'EINVAL' | 'EEXIST' | 'EAGAIN' | 'EACCES' | 'ENOSYS' | 'E2BIG'

const NOTHING = new Uint8Array(0)
const LONGEST_PATH = 3072
const PATH = /^\/$|^(\/[A-Za-z0-9_@:.-]+)+$/

/** True for an absolute path that the protocol allows. */
export function isPath(path: string): boolean {
  return path.length <= LONGEST_PATH && PATH.test(path)
}

export class StoreTree {
  /** Changes of any kind so far. */
  generation = 0

  constructor(private root: StoreNode = { value: NOTHING, children: new Map(), permissions: ['n0'] }) {}

  find(path: string): StoreNode | undefined {
    let node: StoreNode | undefined = this.root
    for (const name of namesOf(path)) node = node?.children.get(name)
    return node
  }
  /** Makes a node and those above it; new ones belong to `owner`. */
  make(path: string, owner: number): StoreNode {
    let node = this.root
    for (const name of namesOf(path)) {
      let next = node.children.get(name)
      if (!next) {
        next = { value: NOTHING, children: new Map(), permissions: [`n${owner}`] }
        node.children.set(name, next)
      }
      node = next
    }
    this.generation++
    return node
  }
  write(path: string, value: Uint8Array, owner: number) {
    this.make(path, owner).value = value
  }
  /** Removes a node with all below it; false when there is none. */
  remove(path: string): boolean {
    const names = namesOf(path)
    const last = names.pop()
    if (last === undefined) return false
    const parent = this.find(`/${names.join('/')}`)
    this.generation++
    return parent?.children.delete(last) ?? false
  }

  /** A copy of the whole tree, with the same generation. */
  copy(): StoreTree {
    const tree = new StoreTree(copyNode(this.root))
    tree.generation = this.generation
    return tree
  }
  /** All nodes by their path. */
  save(): SavedTree {
    const nodes: SavedTree['nodes'] = []
    const walk = (path: string, { value, permissions, children }: StoreNode) => {
      nodes.push({ path, value, permissions: [...permissions] })
      for (const [name, child] of children) walk(`${path}/${name}`, child)
    }
    walk('', this.root)
    return { generation: this.generation, nodes }
  }
  static restored({ generation, nodes }: SavedTree): StoreTree {
    const tree = new StoreTree()
    for (const { path, value, permissions } of nodes) {
      const node = tree.make(path, 0)
      node.value = value
      node.permissions = [...permissions]
    }
    tree.generation = generation
    return tree
  }

  /** Takes over all of another tree. */
  replace(other: StoreTree) {
    this.root = other.root
    this.generation++
  }
}

const namesOf = (path: string) => path.split('/').filter(name => name !== '')

function copyNode({ value, children, permissions }: StoreNode): StoreNode {
  const copied = new Map(Array.from(children, ([name, child]) => [name, copyNode(child)] as const))
  return { value, children: copied, permissions: [...permissions] }
}
