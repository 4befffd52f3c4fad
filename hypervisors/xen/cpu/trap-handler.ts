// An entry into the hypervisor, sorted out: hypercalls, software interrupts, exceptions that are the hypervisor's business,
// and all others, which are the guest's. Then whatever is due before the guest goes on: timers, a wait, an upcall.

import type { HypervisorWork, Resume, Trap, Vcpu } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import { type HypercallContext, hypercall, IRET } from '../hypercalls.js'
import { GDT, GDT_PAGES, HYPERVISOR_START, LDT, LDT_PAGES, RING3_DATA } from '../layout.js'
import { SEGMENTS } from '../memory/frame-table.js'
import { WRITABLE_TABLES } from '../vm-assist.js'
import { bounce } from './bounce.js'
import { callGate } from './call-gate.js'
import { executionWatched, noteDebugException, noteStep, passOver } from './debug-registers.js'
import { forcedCpuid } from './forced-cpuid.js'
import { hypercallIret } from './iret.js'
import { emulatePrivileged, setTaskSwitched } from './privileged.js'
import { type Processor, SYSTEM_CALL } from './processor.js'
import { CR0_TS, CS, DB, EAX, GP, hasErrorCode, NM, NMI, PF, RF, SS, TF, TS, UD } from './registers.js'
import { tableWrite } from './table-writes.js'

const HYPERCALL = 0x82
const WRITE_PRESENT = 3
const WRITE = 2
const IN_TABLE = 2
const EXTERNAL = 1
const INT_BYTES = 2
const ACCESSED = 0x100
const CODE_OR_DATA_PRESENT = 0x9000
const SYSENTER = 0x34
const REGISTERS = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi']

type Exception = Extract<Trap, { kind: 'exception' }>

export class TrapHandler {
  private crashed: string | undefined
  /** Instructions retired when a software interrupt came last. */
  private calledAt = -1

  constructor(
    private readonly vcpu: Vcpu,
    private readonly domain: Domain,
    private readonly processor: Processor,
    private readonly context: HypercallContext,
    private readonly count: (kind: string) => void,
    private readonly work: HypervisorWork,
  ) {}

  /** Handles an entry; the processor is ready to go on at what it answers. */
  handle(trap: Trap): Resume {
    if (trap.kind === 'gate') this.gate(trap.vector, trap.source)
    else if (trap.kind === 'exception') this.exception(trap)
    else if (trap.kind === 'interrupt') {
      this.count('interrupt')
      this.vcpu.takeInterrupt()
    } else if (this.domain.waiting === 'nothing') this.count('alarm')
    return this.leave()
  }

  private gate(vector: number, source: string) {
    if (source === 'external') return this.count('external')
    this.calledAt = this.vcpu.retired
    if (vector === HYPERCALL) {
      this.count('hypercall')
      return this.hypercall()
    }
    this.count(`int_0x${vector.toString(16)}`)
    if (vector === SYSTEM_CALL && !this.domain.traps.at(vector)) {
      // As if the gate let only ring 0 through.
      this.vcpu.eip -= INT_BYTES
      return this.deliver(GP, vector * 8 + IN_TABLE)
    }
    this.deliver(vector)
  }

  private hypercall() {
    const { vcpu, processor, context } = this
    const number = vcpu.register(EAX)
    if (number === IRET) {
      this.iret()
      return
    }
    const { pageTableUpdates } = this.work
    vcpu.setRegister(EAX, hypercall(context, number, processor.arguments()) >>> 0)
    if (this.work.pageTableUpdates !== pageTableUpdates) this.work.pageTableBatches++
  }

  /** Hypercall iret, alone or in a list; the EAX that it has set. */
  iret(): number {
    const { vcpu, domain, context } = this
    context.count('iret')
    domain.nmi.handled = false
    this.crashed = hypercallIret(vcpu, domain, context.profile.failsafeReturns)
    return vcpu.register(EAX)
  }

  private exception({ vector, error, linear }: Exception) {
    const { vcpu, domain, context } = this
    this.count(`exception_${vector}`)
    // Frames of faults show RF, as the processor's do.
    if (vector !== DB) vcpu.eflags |= RF
    if (vector === PF) return this.pageFault(error!, linear)
    if (vector === GP) return this.generalProtection(error!)
    if (vector === TS && context.profile.longMode) return this.deliver(GP, 0)
    if (vector === UD && forcedCpuid(vcpu, context.profile.version, domain.frames.frames)) return this.emulated()
    if (vector === NM && (vcpu.controls.cr0 & CR0_TS) !== 0) setTaskSwitched(vcpu, false)
    if (vector === DB) {
      // Behind MOV SS a breakpoint is met when the next instruction has called the hypervisor already.
      if (vcpu.retired === this.calledAt && !executionWatched(vcpu, domain)) return passOver(vcpu)
      noteDebugException(vcpu, domain)
    }
    this.deliver(vector, error)
  }
  /** An instruction was carried out on the guest's behalf: it may be one of single steps. */
  private emulated() {
    this.vcpu.eflags &= ~RF
    if ((this.vcpu.eflags & TF) === 0) return
    noteStep(this.domain)
    this.deliver(DB)
  }

  private generalProtection(error: number) {
    const { vcpu, domain } = this
    if ((error & (IN_TABLE | EXTERNAL)) === IN_TABLE) {
      const vector = (error >>> 3) & 0xff
      const entry = domain.traps.at(vector)
      if (entry && (entry.dpl === 3 || (entry.dpl >= 1 && vcpu.cpl === 1))) {
        vcpu.eip += INT_BYTES
        return this.deliver(vector)
      }
      return this.deliver(GP, error)
    }
    if ((error & EXTERNAL) === 0 && error !== 0) {
      const fault = callGate(vcpu, domain, error)
      if (!fault) return this.emulated()
      if (fault.linear !== undefined) return this.deliverPageFault(fault.error, fault.linear)
      return this.deliver(fault.vector, fault.error)
    }
    if (error === 0) {
      if (this.context.profile.longMode && this.systemEntry()) return
      const how = emulatePrivileged(vcpu, domain, this.context.now())
      if (how === 'done') return this.emulated()
      if (how === 'undefined') return this.deliver(UD)
      if (how !== 'refused') return this.deliverPageFault(how.error, how.linear)
    }
    this.deliver(GP, error)
  }

  /**
   * SYSENTER, which leaves no trace of where it was: the frame is one of ring 3 without CS, EIP and ESP. A guest that has
   * registered no entry for it has #GP(0) with the same frame.
   */
  private systemEntry(): boolean {
    const { vcpu, domain } = this
    const entry = domain.callbacks.sysenter
    const { base } = vcpu.segment(CS)
    const at = (base + vcpu.eip) >>> 0
    const user = vcpu.cpl === 3
    if (vcpu.load(at, 1, user) !== 0x0f || vcpu.load(at + 1, 1, user) !== SYSENTER) return false
    const left = { code: 3, eip: 0, stack: RING3_DATA, esp: 0 }
    vcpu.eflags &= ~RF
    const gp = domain.traps.at(GP)
    if (entry) this.crashed = bounce(vcpu, domain, entry, { left })
    else this.crashed = gp ? bounce(vcpu, domain, gp, { left, errorCode: 0 }) : 'it has no entry for trap 13'
    return true
  }

  private pageFault(error: number, linear: number) {
    const { vcpu, domain } = this
    if (linear >= LDT && linear < LDT + LDT_PAGES * 4096) {
      if ((error & WRITE) !== 0 && this.markAccessed(domain.ldtFrames.get((linear - LDT) >>> 12), linear)) return
      if ((error & 1) === 0 && this.mapLdtPage((linear - LDT) >>> 12)) return
      return this.deliverPageFault(error, (domain.ldt.base + (linear - LDT)) >>> 0)
    }
    if (linear >= GDT && linear < GDT + GDT_PAGES * 4096 && (error & WRITE) !== 0)
      if (this.markAccessed(domain.gdtFrames[(linear - GDT) >>> 12], linear)) return
    const isStore = (error & WRITE_PRESENT) === WRITE_PRESENT && vcpu.cpl === 1 && linear < HYPERVISOR_START
    // A control domain need not ask for that.
    const mayStore = domain.privileged || (domain.assists & WRITABLE_TABLES) !== 0
    if (isStore && mayStore && tableWrite(vcpu, domain, linear)) {
      this.work.pageTableUpdates++
      this.work.pageTableBatches++
      if ((vcpu.eflags & TF) !== 0) this.deliver(DB)
      return
    }
    this.deliverPageFault(error, linear)
  }
  private deliverPageFault(error: number, linear: number) {
    this.domain.shared.cr2 = linear
    this.deliver(PF, error)
  }
  /** The processor wants to set the accessed bit of a descriptor, which is mapped read-only. */
  private markAccessed(frame: number | undefined, linear: number): boolean {
    if (frame === undefined) return false
    const { u32 } = this.domain.memory
    const at = (frame * 1024 + ((linear & 0xff8) >>> 2) + 1) >>> 0
    if ((u32[at]! & CODE_OR_DATA_PRESENT) !== CODE_OR_DATA_PRESENT || (u32[at]! & ACCESSED) !== 0) return false
    u32[at] = u32[at]! | ACCESSED
    return true
  }
  /** Maps a page of the local descriptor table when it is used first. */
  private mapLdtPage(page: number): boolean {
    const { domain } = this
    if (page * 512 >= domain.ldt.entries) return false
    const address = domain.guest.translate((domain.ldt.base + page * 4096) >>> 0, false)
    if (address < 0) return false
    const frame = address >>> 12
    if (domain.types.getPageAndType(frame, SEGMENTS, domain.id) !== 0) return false
    domain.mapLdtPage(page, frame)
    this.vcpu.invalidate(LDT + page * 4096)
    return true
  }

  /** Gives a trap to the guest's kernel. */
  private deliver(vector: number, error?: number) {
    const entry = this.domain.traps.at(vector)
    if (!entry) this.crashed = `it has no entry for trap ${vector}`
    else {
      const errorCode = hasErrorCode(vector) && error !== undefined ? error : undefined
      this.crashed = bounce(this.vcpu, this.domain, entry, { errorCode })
    }
  }

  /** What is due before the guest goes on. */
  leave(): Resume {
    const { domain, vcpu } = this
    if (domain.timers.runDue()) domain.wake()
    if (domain.waiting !== 'nothing') domain.onWait()
    if (domain.waiting !== 'nothing' && domain.upcallDue) domain.wake()
    this.deliverNmi()
    if (this.crashed === undefined && domain.waiting === 'nothing' && domain.upcallDue) {
      const { event } = domain.callbacks
      this.work.upcalls++
      this.crashed = event ? bounce(vcpu, domain, event) : 'it has no callback for an event'
    }
    domain.runStates.change(domain.waiting !== 'nothing', this.context.now(), domain.guest, domain.assists)
    if (this.crashed !== undefined) return { end: { kind: 'crash', reason: this.describe(this.crashed) } }
    if (domain.shutdownCode !== undefined) return { end: endOf(domain.shutdownCode) }
    return domain.waiting === 'nothing' ? 'run' : 'idle'
  }

  /** A non-maskable interrupt, unless one is being handled: until the next hypercall iret. */
  private deliverNmi() {
    const { domain, vcpu } = this
    if (this.crashed !== undefined || !domain.nmi.pending || domain.nmi.handled) return
    const entry = domain.traps.at(NMI)
    domain.nmi.pending = false
    if (!entry) return
    domain.nmi.handled = true
    this.crashed = bounce(vcpu, domain, entry)
  }

  private describe(reason: string): string {
    const { vcpu } = this
    const hex = (value: number) => value.toString(16).padStart(8, '0')
    const place = `cs:eip ${hex(vcpu.segment(CS).selector).slice(4)}:${hex(vcpu.eip)}`
    const registers = REGISTERS.map((name, n) => `${name} ${hex(vcpu.register(n))}`).join(' ')
    return `${reason}; ${place} ss ${hex(vcpu.segment(SS).selector).slice(4)} ${registers}`
  }
}

const POWER_OFF = 0
const REBOOT = 1

function endOf(code: number): Extract<Resume, object>['end'] {
  if (code === POWER_OFF) return { kind: 'power-off' }
  if (code === REBOOT) return { kind: 'reset', source: 'Xen' }
  return { kind: 'crash', reason: `it has ended itself with reason ${code}` }
}
