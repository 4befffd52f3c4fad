// Boots a bzImage and an initial file system on v86 (npm package v86), as one process of its own that the
// benchmark can measure: COM1 to standard output, a line at a time, until it is killed.
//   node v86-runner.js KERNEL INITRD COMMAND_LINE MEGABYTES
// With `-` for INITRD the kernel is a multiboot file.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { V86 } from 'v86'

const FIRMWARE = '/usr/share/seabios'
const NEWLINE = 10

function image(path: string): { buffer: ArrayBuffer } {
  const bytes = readFileSync(path)
  return { buffer: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer }
}

const [kernel, initrd, commandLine, megabytes] = process.argv.slice(2)
if (kernel === undefined || initrd === undefined || commandLine === undefined || megabytes === undefined) {
  process.stderr.write('usage: v86-runner KERNEL INITRD COMMAND_LINE MEGABYTES\n')
  process.exit(2)
}

const emulator = new V86({
  wasm_path: join(dirname(createRequire(import.meta.url).resolve('v86')), 'v86.wasm'),
  memory_size: Number(megabytes) * 1024 * 1024,
  vga_memory_size: 2 * 1024 * 1024,
  bios: image(join(FIRMWARE, 'bios.bin')),
  vga_bios: image(join(FIRMWARE, 'vgabios-stdvga.bin')),
  ...(initrd === '-' ? { multiboot: image(kernel) } : { bzimage: image(kernel), initrd: image(initrd) }),
  cmdline: commandLine,
  disable_keyboard: true,
  disable_mouse: true,
  disable_speaker: true,
  autostart: true,
})

let line: number[] = []
emulator.add_listener('serial0-output-byte', (byte: number) => {
  line.push(byte)
  if (byte !== NEWLINE) return
  process.stdout.write(Uint8Array.from(line))
  line = []
})
