// The one error that every loader throws on bad input. Its message is a single line that names the file,
// the offset (or the option), the reason and the remedy, ready to be printed as it is.

/** What is wrong with an input file. `offset` is in bytes from the file's start; absent where no byte is to blame. */
export interface LoadProblem {
  readonly file: string
  readonly offset?: number
  readonly reason: string
  readonly remedy: string
}

/** Thrown for every unusable input; nothing else leaves a loader, whatever the bytes are. */
export class LoadError extends Error {
  readonly file: string
  readonly offset: number | undefined
  readonly reason: string
  readonly remedy: string

  constructor(problem: LoadProblem) {
    const place = problem.offset === undefined ? '' : ` at offset 0x${problem.offset.toString(16)}`
    super(`${problem.file}${place}: ${problem.reason}; ${problem.remedy}`.replace(/[\r\n]+/g, ' '))
    this.name = 'LoadError'
    this.file = problem.file
    this.offset = problem.offset
    this.reason = problem.reason
    this.remedy = problem.remedy
  }
}

/** A 32-bit quantity as it is written in messages: 0x and eight digits. */
export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`
}

/** The error for an image that does not fit. `needed` is the first physical address that would be enough. */
export function tooLittleMemory(file: string, needed: number, size: number): LoadError {
  const reason = `needs memory up to ${hex(needed)}, the machine has ${size >>> 20} MiB`
  return new LoadError({ file, reason, remedy: `use --mem ${Math.ceil(needed / 0x100000)}M or more` })
}
