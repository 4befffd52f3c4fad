// One line on standard error that is written over and over, on terminals only.

const SHOWN_MILLISECONDS = 100

export class ProgressLine {
  private lastShown = 0

  constructor(private readonly title: string) {}

  /** Shows a state of the work, at most ten times a second. */
  show(text: string): void {
    if (!process.stderr.isTTY || performance.now() - this.lastShown < SHOWN_MILLISECONDS) return
    this.lastShown = performance.now()
    process.stderr.write(`\r\x1b[K${this.title}: ${text}`)
  }

  /** Removes the line. */
  clear(): void {
    if (this.lastShown > 0) process.stderr.write('\r\x1b[K')
    this.lastShown = 0
  }
}
