// The shared console page (xen/include/public/io/console.h): 1,024 bytes in, 2,048 bytes out, free-running indices.

import { type MachineMemory, setWord } from '../memory/machine-memory.js'

const IN_BYTES = 1024
const OUT_BYTES = 2048
const OUT = 1024
const IN_CONSUMER = 3072
const IN_PRODUCER = 3076
const OUT_CONSUMER = 3080
const OUT_PRODUCER = 3084

export class ConsoleRing {
  private waiting: number[] = []

  /**
   * @param address machine address of the page
   * @param output receives what the guest writes
   * @param notify tells the guest that a ring has changed
   */
  constructor(
    private readonly memory: MachineMemory,
    private readonly address: number,
    private readonly output: (byte: number) => void,
    private readonly notify: () => void,
  ) {}

  private index(field: number): number {
    return this.memory.u32[(this.address + field) >>> 2]!
  }

  /** The guest has written, or has made room for input. */
  notified() {
    const { memory } = this
    let consumer = this.index(OUT_CONSUMER)
    const producer = this.index(OUT_PRODUCER)
    const used = (producer - consumer) >>> 0
    if (used > 0 && used <= OUT_BYTES) {
      for (; consumer !== producer; consumer = (consumer + 1) >>> 0)
        this.output(memory.u8[this.address + OUT + (consumer % OUT_BYTES)]!)
      setWord(memory, this.address + OUT_CONSUMER, consumer)
      this.notify()
    }
    this.feed()
  }
  /** Somebody types. */
  input(bytes: Uint8Array) {
    this.waiting.push(...bytes)
    this.feed()
  }
  /** Input that has had no room yet. */
  save(): Uint8Array {
    return Uint8Array.from(this.waiting)
  }
  restore(waiting: Uint8Array) {
    this.waiting = [...waiting]
  }
  private feed() {
    const { memory } = this
    let producer = this.index(IN_PRODUCER)
    const used = (producer - this.index(IN_CONSUMER)) >>> 0
    if (used > IN_BYTES) return
    const count = Math.min(IN_BYTES - used, this.waiting.length)
    if (count === 0) return
    for (const byte of this.waiting.splice(0, count)) {
      memory.u8[this.address + (producer % IN_BYTES)] = byte
      producer = (producer + 1) >>> 0
    }
    setWord(memory, this.address + IN_PRODUCER, producer)
    this.notify()
  }
}
