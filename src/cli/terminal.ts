// Standard input as the guest's keyboard. A terminal is put into raw mode, so that every key goes to the guest, Ctrl-C
// too; Ctrl-A x leaves. Its mode is restored however the process ends. A file is given to the guest whole before it
// starts, so that such a run is deterministic; a pipe's bytes come when they come.

import { fstatSync, readFileSync } from 'node:fs'

const CTRL_A = 0x01
const KEY_X = 0x78
const KEY_A = 0x61
const KEY_H = 0x68
const HELP = '\r\nCtrl-A x  leave    Ctrl-A Ctrl-A  send Ctrl-A    Ctrl-A h  this help\r\n'

/** What the escape key makes of typed bytes. */
export class EscapeKey {
  private armed = false

  /** @param act called for `leave` and `help` */
  constructor(private readonly act: (what: 'leave' | 'help') => void) {}

  /** Takes typed bytes; returns those for the guest. */
  take(bytes: Uint8Array): Uint8Array {
    const out: number[] = []
    for (const byte of bytes) {
      if (!this.armed) {
        if (byte === CTRL_A) this.armed = true
        else out.push(byte)
        continue
      }
      this.armed = false
      if (byte === KEY_X) this.act('leave')
      else if (byte === KEY_H) this.act('help')
      else if (byte === CTRL_A || byte === KEY_A) out.push(CTRL_A)
      else out.push(CTRL_A, byte)
    }
    return Uint8Array.from(out)
  }
}

/** What the input does. */
export interface InputEvents {
  input(bytes: Uint8Array): void
  /** Ctrl-A x. */
  leave(): void
  /** There will be no more input. */
  end(): void
}

/** The input of a run. */
export interface Input {
  /** Somebody sits at a terminal. */
  readonly interactive: boolean
  /** Input may still come. */
  readonly open: boolean
  close(): void
}

/** Input for guests without a console on standard input. */
export const noInput: Input = { interactive: false, open: false, close: () => {} }

/** Opens standard input. What a file holds is given to `events` before this returns. */
export function openInput(events: InputEvents): Input {
  const { stdin } = process
  if (stdin.isTTY) return openTerminal(stdin, events)
  if (isFile()) {
    events.input(readFileSync(0))
    events.end()
    return noInput
  }
  let open = true
  const end = () => {
    open = false
    events.end()
  }
  stdin.on('data', (bytes: Buffer) => events.input(bytes))
  stdin.once('end', end)
  stdin.once('error', end)
  return {
    interactive: false,
    get open() {
      return open
    },
    close: () => stdin.destroy(),
  }
}

function isFile(): boolean {
  try {
    return fstatSync(0).isFile()
  } catch {
    return false
  }
}

function openTerminal(stdin: NodeJS.ReadStream, events: InputEvents): Input {
  let open = true
  const restore = () => {
    stdin.setRawMode(false)
  }
  const resume = () => {
    if (open) stdin.setRawMode(true)
  }
  const escapeKey = new EscapeKey(what => {
    if (what === 'leave') events.leave()
    else process.stderr.write(HELP)
  })
  const close = () => {
    open = false
    process.off('exit', restore)
    process.off('SIGCONT', resume)
    restore()
    stdin.destroy()
  }
  process.on('exit', restore)
  process.on('SIGCONT', resume)
  stdin.setRawMode(true)
  stdin.on('data', (bytes: Buffer) => {
    const typed = escapeKey.take(bytes)
    if (typed.length > 0) events.input(typed)
  })
  stdin.once('end', () => {
    open = false
    events.end()
  })
  return {
    interactive: true,
    get open() {
      return open
    },
    close,
  }
}
