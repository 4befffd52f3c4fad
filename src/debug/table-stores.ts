// Records which instructions of a guest's kernel store to page tables and descriptor tables that are in use: the profile
// by which the afterburner annotates stores. What the guest sees is the same as without it. The processor's own stores
// (busy and accessed bits of descriptors) count for the instruction that caused them, which is a site anyway.
import { CR0 } from '../cpu/layout.js'
import { BUDGET_LIMIT } from '../engine/record.js'
import type { Machine, RunResult } from '../machine/machine.js'
import { readLinear } from './linear-memory.js'
import { WatchedDescriptors } from './watched-descriptors.js'
import { WatchedTables } from './watched-tables.js'

const USER_CPL = 3
const REPEAT_PREFIXES: ReadonlySet<number> = new Set([0xf2, 0xf3])
/** MOVS and STOS: an instruction that copies or clears a whole page puts it to another use. */
const BULK_OPCODES: ReadonlySet<number> = new Set([0xa4, 0xa5, 0xaa, 0xab])
/** No engine runs ahead of EIP in slices this short. */
const SLICE_INSTRUCTIONS = BUDGET_LIMIT

export class TableStoreRecorder {
  /**
   * Times that an instruction stored to a table, by its linear address in the kernel half; while the kernel still runs
   * where it was loaded, by the address that it is linked at.
   */
  readonly stores = new Map<number, number>()
  private readonly tables: WatchedTables
  private readonly descriptors: WatchedDescriptors

  /**
   * @param machine with the engine `interpreter` or `reference`, not run yet
   * @param kernelStart first linear address of the guest's kernel half
   */
  constructor(
    private readonly machine: Machine,
    private readonly kernelStart: number,
  ) {
    this.tables = new WatchedTables(machine, kernelStart >>> 22)
    this.descriptors = new WatchedDescriptors(machine)
    const { host } = machine.cpu
    const { onCodeWrite, onFlush } = host
    host.onCodeWrite = (address, bytes) => {
      onCodeWrite.call(host, address, bytes)
      this.written(address, bytes)
    }
    host.onFlush = page => {
      onFlush.call(host, page)
      if (page === -1 && machine.cpu.i32[CR0 >> 2]! < 0) this.tables.follow()
    }
  }

  private written(address: number, bytes: number): void {
    const { cpu } = this.machine
    const isUser = cpu.cpl === USER_CPL
    const page = this.tables.pageOf(address)
    const isTable = page !== undefined && !this.tables.isWalk(address)
    if (isTable && (isUser || this.isBulk(cpu.eip))) {
      this.tables.drop(page)
    } else {
      const counts = isTable || this.descriptors.holds(address, bytes)
      if (counts && !isUser) this.count(cpu.eip)
      if (page !== undefined) this.tables.update(page)
    }
  }

  private count(eip: number): void {
    const address = eip < this.kernelStart ? eip + this.kernelStart : eip
    this.stores.set(address, (this.stores.get(address) ?? 0) + 1)
  }

  private isBulk(eip: number): boolean {
    const code = readLinear(this.machine, eip, 2)
    return code !== undefined && REPEAT_PREFIXES.has(code[0]!) && BULK_OPCODES.has(code[1]!)
  }

  /** Runs as Machine.run does, more slowly. */
  run(budget: number): RunResult {
    const end = this.machine.retired + budget
    for (;;) {
      this.descriptors.follow()
      const result = this.machine.run(Math.min(SLICE_INSTRUCTIONS, end - this.machine.retired))
      if (result.kind !== 'budget' || this.machine.retired >= end) return result
    }
  }
}
