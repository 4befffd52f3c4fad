// One line on standard error that is written over and over, on terminals only.

const SHOWN_MILLISECONDS = 100
const BAR_CHARACTERS = 30
const DEFAULT_COLUMNS = 80

export class ProgressLine {
  private lastShown = 0

  constructor(private readonly title: string) {}

  /** Shows a state of the work, at most ten times a second. */
  show(text: string): void {
    if (!process.stderr.isTTY || performance.now() - this.lastShown < SHOWN_MILLISECONDS) return
    this.lastShown = performance.now()
    const line = `${this.title}: ${text}`.slice(0, (process.stderr.columns || DEFAULT_COLUMNS) - 1)
    process.stderr.write(`\r\x1b[K${line}`)
  }

  /** Shows how much of the work is done, as a bar, and what is being done. */
  showShare(done: number, total: number, step: string): void {
    const share = total > 0 ? Math.min(done / total, 1) : 0
    const filled = Math.round(share * BAR_CHARACTERS)
    const percent = String(Math.floor(share * 100)).padStart(3)
    this.show(`[${'#'.repeat(filled)}${'.'.repeat(BAR_CHARACTERS - filled)}] ${percent} % ${step}`)
  }

  /** Removes the line. */
  clear(): void {
    if (this.lastShown > 0) process.stderr.write('\r\x1b[K')
    this.lastShown = 0
  }
}
