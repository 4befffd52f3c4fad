// What a CPU needs from the machine around it. Injected, so that src/cpu knows no bus, clock or engine.

import type { Watchpoint } from './data-breakpoints.js'

export interface CpuHost {
  /** Reads a port; size 1, 2 or 4. */
  portIn(port: number, size: number): number
  /** Writes a port; value is zero-extended from `size` bytes. */
  portOut(port: number, size: number, value: number): void
  /**
   * String input: up to `count` units of `size` bytes from one port to `host`, an address in the linear memory. Returns
   * the units moved; 0 to be asked unit by unit.
   */
  portInBlock?(port: number, size: number, host: number, count: number): number
  /** String output, as portInBlock. */
  portOutBlock?(port: number, size: number, host: number, count: number): number
  /** Virtual time in TSC ticks, a whole number below 2^53; TSC_OFFSET is added by the CPU. */
  tsc(): number
  /** Vector of the interrupt that the controller has pending (INTA cycle). */
  acknowledgeInterrupt(): number
  /**
   * Address in the linear memory of the first byte of physical page number `page`, or -1 when accesses must go
   * through deviceRead and deviceWrite. ROM answers reads with an address and writes with -1.
   */
  physicalPage(page: number, write: boolean): number
  /** Reads device memory; physical is a byte address (up to 2^36), the access does not cross a page. */
  deviceRead(physical: number, size: number): number
  deviceWrite(physical: number, size: number, value: number): void
  /** The MODE cell, or base or limit of CS, have changed. */
  onModeChange(): void
  /** Bytes of a page marked by tlb.markCode have been written. */
  onCodeWrite(hostAddress: number, bytes: number): void
  /** Translations were dropped: one linear page number, or all (-1). */
  onFlush(page: number): void
  /** The program has accessed bytes that are watched; its instruction has not retired yet. */
  onWatchpoint?(watchpoint: Watchpoint): void
  /** FERR#: a pending x87 exception is met with CR0.NE clear (IRQ 13 on a PC). False when the line was not up before. */
  fpuError(): boolean
  /** HLT has completed. */
  halt(): void
  /** The guest has written MSR_APIC_BASE (low 32 bits). */
  onApicBase(value: number): void
}
