// Virtio console with one port. Source: VIRTIO 1.1 section 5.3. Queue 0 carries bytes to the guest, queue 1 from it.
// Left out: several ports, size and emergency write features.

import type { CharacterLine } from '../machine/line.js'
import type { VirtioModel } from './virtio-mmio.js'
import { type Chain, type Virtqueue, writableBytes } from './virtqueue.js'

const RECEIVE = 0

export class VirtioConsole implements VirtioModel {
  readonly name = 'virtio-console'
  readonly deviceId = 3
  readonly features = 0
  readonly queues = 2
  readonly configuration = new Uint8Array(12)
  wake: ((index: number) => void) | undefined

  constructor(private readonly characters: CharacterLine) {
    characters.onInput = () => this.wake?.(RECEIVE)
  }

  serve(index: number, queue: Virtqueue, give: (chain: Chain, written: number) => void): void {
    if (index === RECEIVE) this.receive(queue, give)
    else this.transmit(queue, give)
  }

  private receive(queue: Virtqueue, give: (chain: Chain, written: number) => void): void {
    while (this.characters.available > 0) {
      const chain = queue.take()
      if (chain === undefined) return
      const bytes = new Uint8Array(Math.min(this.characters.available, writableBytes(chain)))
      for (let index = 0; index < bytes.length; index++) bytes[index] = this.characters.take()!
      give(chain, queue.scatter(chain, bytes))
    }
  }

  private transmit(queue: Virtqueue, give: (chain: Chain, written: number) => void): void {
    for (let chain = queue.take(); chain !== undefined; chain = queue.take()) {
      for (const byte of queue.gather(chain)) this.characters.output(byte)
      give(chain, 0)
    }
  }
}
