// Trap and emulate, the baseline: the guest runs at the privilege that it believes it has, on shadow page tables and with
// control registers that the monitor owns; whatever the policy names leaves it, and is carried out by the processor on
// the monitor's behalf. The machine's own chips are the guest's, so every access to a port is an entry. An interrupt is
// one entry, when the guest takes it: that it arrived before and had to wait is not counted. Left out: more than one
// guest, PAE, page tables written by DMA; real mode runs without the protection of shadow tables.

import {
  type Controls,
  type Fault,
  type GuestImage,
  type Host,
  type Hypervisor,
  type HypervisorKind,
  isFault,
  type Resume,
  type SavedValue,
  type Trap,
} from '../hypervisor.js'
import { type Policy, policies } from './policy.js'
import { ShadowPaging } from './shadow-paging.js'

const PE = 1
const WP = 0x10000
const PG = 0x80000000
const CR0_OWNED = WP | PG
const PSE = 0x10
const PAE = 0x20
const PGE = 0x80
const CR4_OWNED = PSE | PAE | PGE
const PF = 14
const EXCEPTIONS = 32
const NMI = 2
const PAGE = 0x1000
/** Frames of machine memory that a guest does not have are seen as device memory where nothing is. */
const NOWHERE = 0x80000
const RESERVE_MINIMUM = 4 << 20
const RESERVE_SHARE = 16

type Exception = Extract<Trap, { kind: 'exception' }>
type Instruction = Extract<Trap, { kind: 'instruction' }>

/** Classes that may write CR0, CR3 or CR4. */
const CONTROL_WRITES: readonly string[] = ['mov_to_control', 'lmsw', 'clts']

class TrapAndEmulate implements Hypervisor {
  readonly path = 'trap'
  readonly reserved = []
  private readonly shadow: ShadowPaging
  private readonly policy: Policy
  private readonly isRam: (frame: number) => boolean
  /** Guest values of the control registers; of CR0 and CR4 the owned bits count. */
  private guest: Controls = { cr0: 0, cr3: 0, cr4: 0 }
  /** Pages that are open for the instruction that is being carried out. */
  private opened: (() => void)[] = []
  /** Machine address of the shadow directory in force. */
  private root = 0
  private writingControls = false
  private flushSeen = false

  constructor(
    private readonly host: Host,
    readonly profile: string,
  ) {
    const { memory, frames, vcpu, guestMemory } = host
    const guestFrames = guestMemory.size / PAGE
    this.isRam = frame => frame < guestFrames && memory.isRam(frame * PAGE)
    this.shadow = new ShadowPaging(memory, frames, guestFrames, this.isRam, () => vcpu.flush())
    this.policy = policies[profile]!
  }

  boot([guest]: readonly GuestImage[]) {
    const { vcpu, guestMemory } = this.host
    vcpu.enter(guest!.load(guestMemory))
    const vectors = Array.from({ length: EXCEPTIONS }, (_, vector) => vector).filter(vector => vector !== NMI)
    vcpu.setMonitorExceptions(this.policy.exceptions ? vectors : [PF])
    vcpu.monitorInterrupts = true
    vcpu.intercept(this.policy)
    vcpu.onFlush = page => this.flushed(page)
    this.loadControls(vcpu.controls)
  }

  handle(trap: Trap): Resume {
    const { host } = this
    host.vcpu.onPageFault = undefined
    if (trap.kind === 'instruction') this.instruction(trap)
    else if (trap.kind === 'exception') this.exception(trap)
    else if (trap.kind === 'interrupt') {
      host.count('interrupt')
      host.vcpu.takeInterrupt()
    }
    if ((this.guest.cr4 & PAE) === 0) return 'run'
    return {
      end: {
        kind: 'crash',
        reason: 'it pages with three levels (CR4.PAE), which trap has not; use --cpu previrt-guest',
      },
    }
  }

  save(): SavedValue {
    return { ...this.host.vcpu.programControls }
  }
  restore(state: SavedValue) {
    this.shadow.dropAll()
    this.flushSeen = true
    this.loadControls(state as unknown as Controls)
  }

  private instruction({ event, goesOn }: Instruction) {
    const { vcpu, count } = this.host
    if (!goesOn) count(event.name)
    if (CONTROL_WRITES.includes(event.name)) return this.writeControls()
    const repeats = event.form.rep !== ''
    while (this.carryOut(() => vcpu.executeStretch()) && repeats && vcpu.eip === event.eip && !vcpu.due) {}
  }

  private exception(trap: Exception) {
    const { vcpu, count } = this.host
    const { interrupted } = trap
    if (trap.vector !== PF) {
      count('exception')
      return vcpu.inject(trap, interrupted)
    }
    const outcome = this.shadow.fault(trap.linear, trap.error!)
    count(ENTRY_OF[outcome.kind])
    if (outcome.kind === 'write') {
      this.host.work.pageTableUpdates++
      this.host.work.pageTableBatches++
    }
    if (outcome.kind === 'guest') return vcpu.inject({ ...trap, error: outcome.error }, interrupted)
    if (outcome.kind === 'filled') return interrupted && vcpu.resume(interrupted)
    if (!interrupted) {
      this.open(trap.linear, outcome.frame)
      return void this.carryOut(() => vcpu.execute())
    }
    if (outcome.kind === 'device' || !this.shadow.release(outcome.frame)) this.open(trap.linear, outcome.frame)
    vcpu.resume(interrupted)
    this.close()
  }

  /**
   * Lets the processor do something for the guest, filling and opening what it needs; pages that were opened are closed
   * again. False when the guest got an exception instead.
   */
  private carryOut(act: () => Fault | undefined): boolean {
    const { vcpu } = this.host
    for (;;) {
      const fault = act()
      if (!fault) {
        this.close()
        return true
      }
      const outcome = fault.vector === PF ? this.shadow.fault(fault.linear, fault.error!) : undefined
      if (outcome?.kind === 'filled') continue
      if (outcome?.kind === 'write' || outcome?.kind === 'device') {
        this.open(fault.linear, outcome.frame)
        continue
      }
      this.close()
      vcpu.inject(outcome ? { ...fault, error: outcome.error } : fault)
      return false
    }
  }
  private open(linear: number, frame: number) {
    const { vcpu, memory } = this.host
    const hidden = !this.isRam(frame) && frame * PAGE < memory.bytes && memory.isRam(frame * PAGE)
    const close = this.shadow.open(linear, hidden ? frame + NOWHERE : frame)
    vcpu.invalidate(linear)
    this.opened.push(() => {
      close()
      vcpu.invalidate(linear)
      this.shadow.written(frame)
    })
  }
  private close() {
    for (let close = this.opened.pop(); close; close = this.opened.pop()) close()
  }

  /** Carries out an instruction that may change the control registers. */
  private writeControls() {
    const { vcpu } = this.host
    let left: Controls | undefined
    this.flushSeen = false
    this.writingControls = true
    this.carryOut(() => {
      const result = vcpu.executeUnder(vcpu.programControls)
      if (isFault(result)) return result
      left = result
      return undefined
    })
    this.writingControls = false
    if (left) this.loadControls(left)
  }
  /** Gives the processor what it needs to run the guest with these control registers. */
  private loadControls(guest: Controls) {
    const { vcpu } = this.host
    const reload =
      this.flushSeen || guest.cr3 !== this.guest.cr3 || ((guest.cr0 ^ this.guest.cr0) & (CR0_OWNED | PE)) !== 0
    this.flushSeen = false
    this.guest = guest
    vcpu.shownControls = { ...guest, cr0Owned: CR0_OWNED, cr4Owned: CR4_OWNED }
    const { cr0, cr3, cr4 } = guest
    const mode = {
      paging: (cr0 & PG) !== 0,
      writeProtect: (cr0 & WP) !== 0,
      largePages: (cr4 & PSE) !== 0,
      directory: cr3 >>> 12,
    }
    if (reload) this.root = this.shadow.load(mode)
    const owned = (cr0 & PE) !== 0 ? CR0_OWNED : 0
    vcpu.controls = { cr0: (cr0 | owned) >>> 0, cr3: this.root, cr4: cr4 & ~CR4_OWNED }
  }
  /** The guest has dropped translations. A task switch loads CR3 without an instruction that could be intercepted. */
  private flushed(page: number) {
    if (page >= 0) this.shadow.invalidate(page * PAGE)
    else {
      this.flushSeen = true
      const { vcpu } = this.host
      if (this.writingControls || vcpu.controls.cr3 === this.root) return
      this.loadControls({ ...vcpu.programControls, cr3: vcpu.controls.cr3 })
      vcpu.onPageFault = this.fillAtOnce
    }
  }
  /** A page fault in the midst of a task switch. */
  private readonly fillAtOnce = (linear: number, error: number): boolean => {
    const filled = this.shadow.fault(linear, error).kind === 'filled'
    if (filled) this.host.count(ENTRY_OF.filled)
    return filled
  }
}

/** What an entry by a page fault is counted as. */
const ENTRY_OF = { filled: 'fill', guest: 'guest_fault', write: 'table_write', device: 'device_memory' } as const

export const trap: HypervisorKind = {
  path: 'trap',
  profiles: Object.keys(policies),
  hostsSeveral: false,
  reserveBytes: guestBytes => Math.max(RESERVE_MINIMUM, Math.ceil(guestBytes / RESERVE_SHARE / PAGE) * PAGE),
  make: (host, profile) => new TrapAndEmulate(host, profile ?? Object.keys(policies)[0]!),
}
