// What a debugger may do to a guest. The gdb server speaks to nothing else, so that it can be tested without a machine
// and serves any engine.

/** Execution breakpoints (both kinds may be kept as a list of addresses: memory is never patched) and watchpoints. */
export type BreakpointKind = 'software' | 'hardware' | 'write' | 'read' | 'access'

export type StopReason =
  | { readonly kind: 'step' }
  /** EIP is at the instruction that carries the breakpoint; it has not been executed. */
  | { readonly kind: 'breakpoint'; readonly by: 'software' | 'hardware' }
  | { readonly kind: 'watchpoint'; readonly watch: 'write' | 'read' | 'access'; readonly linear: number }
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'exited'; readonly status: number }
  /** Triple fault: the processor has shut down. */
  | { readonly kind: 'shutdown' }

/** A guest that can be stopped and looked at. Addresses are linear; memory is reached as the guest sees it now. */
export interface DebugTarget {
  /** The bytes of a register by gdb's name (GDB_REGISTERS), little-endian; undefined if there is no such register. */
  readRegister(name: string): Uint8Array | undefined
  /** Sets a register; false if it cannot be set. */
  writeRegister(name: string, bytes: Uint8Array): boolean
  /** Up to `bytes` bytes at a linear address, fewer where a page is not mapped, undefined if not even one. */
  readMemory(linear: number, bytes: number): Uint8Array | undefined
  /** Writes all bytes or none; false where a page is not mapped. Rights are not looked at. */
  writeMemory(linear: number, data: Uint8Array): boolean
  /** False if there is no room for another breakpoint of this kind. `bytes` is the length that is watched. */
  insertBreakpoint(kind: BreakpointKind, linear: number, bytes: number): boolean
  removeBreakpoint(kind: BreakpointKind, linear: number, bytes: number): boolean
  /** Executes one instruction. */
  step(): Promise<StopReason>
  /** Runs until something stops the guest; `interrupt` does. */
  continue(): Promise<StopReason>
  /** Asks a running guest to stop at the next instruction boundary. */
  interrupt(): void
  /** The debugger has gone: breakpoints are removed, the guest runs on. */
  detach(): void
  /** The debugger wants the guest to end. */
  kill(): void
  /** Text of a `monitor` command and its answer; undefined if there is no such command. */
  monitor?(command: string): string | undefined
}
