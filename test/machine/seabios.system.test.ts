// Debian's SeaBIOS as firmware: its messages on the console, and a boot sector of ours that it loads from the IDE disk
// and that uses its services (INT 10h, INT 13h).

import { existsSync, readFileSync } from 'node:fs'
import { cpuModel } from '../../src/cpu/models.js'
import { MemoryStorage } from '../../src/devices/block-storage.js'
import type { EngineName } from '../../src/engine/engines.js'
import { machineDigest } from '../../src/machine/digest.js'
import { Machine } from '../../src/machine/machine.js'
import { assembleFlat } from '../drivers/flat-code.js'

const folder = '/usr/share/seabios'
const roms = [
  { file: `${folder}/bios-256k.bin`, address: 0xc0000 },
  { file: `${folder}/bios.bin`, address: 0xe0000 },
]
const missing = roms.find(({ file }) => !existsSync(file))
if (missing) console.log(`skipped: ${missing.file} is missing; install the Debian package seabios`)
const withSeabios = missing ? test.skip : test

const bootSector = () =>
  assembleFlat(
    `
.code16
_start:
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movw $0x7c00, %sp
  movw $hello, %si
  call print
  /* the next sector, by its address: an INT 13h extension */
  movw $packet, %si
  movb $0x42, %ah
  int $0x13
  jc bad
  movw $0x8000, %si
  call print
  /* write it to sector 5 by cylinder, head and sector */
  movw $0x0301, %ax
  movw $0x0006, %cx
  movb $0, %dh
  movw $0x8000, %bx
  int $0x13
  jc bad
  movw $done, %si
  call print
  movw $0x604, %dx
  movw $0x2000, %ax
  outw %ax, %dx
bad:
  movw $failed, %si
  call print
  cli
  hlt
print:
  lodsb
  testb %al, %al
  jz 1f
  movb $0xe, %ah
  movw $7, %bx
  int $0x10
  jmp print
1: ret
packet: .byte 16, 0
  .word 1, 0x8000, 0
  .quad 1
hello: .asciz "boot sector\\r\\n"
done: .asciz "done\\r\\n"
failed: .asciz "failed\\r\\n"
.org 510
  .word 0xaa55
`,
    0x7c00,
  )

function boot(rom: (typeof roms)[number], engine: EngineName, disk?: MemoryStorage) {
  const machine = new Machine({ memory: 32 << 20, model: cpuModel('pentium3'), engine, disk })
  let text = ''
  machine.onConsole = byte => {
    text += String.fromCharCode(byte)
  }
  machine.memory.loadRom(rom.address, new Uint8Array(readFileSync(rom.file)))
  machine.reset()
  const result = machine.run(12_000_000)
  return { machine, text, result }
}

withSeabios.each(roms)('$file prints its messages and looks for a disk', rom => {
  const { text } = boot(rom, 'blocks')
  expect(text).toMatch(/^SeaBIOS \(version [^)]+\)\n/)
  expect(text).toContain('Found QEMU fw_cfg')
  expect(text).toContain('RamSize: 0x02000000')
  expect(text).toContain('All threads complete.')
  expect(text).toContain('No bootable device.')
  // Its screen on COM1.
  expect(text).toContain('\u001b[0mSeaBIOS (version')
})

withSeabios('it boots from the IDE disk, equally on the fast engines', () => {
  const outcomes = (['interpreter', 'blocks'] as const).map(engine => {
    const bytes = new Uint8Array(1 << 20)
    bytes.set(bootSector())
    bytes.set(new TextEncoder().encode('second sector\r\n\0'), 512)
    const disk = new MemoryStorage(bytes)
    const { machine, text, result } = boot(roms[0]!, engine, disk)
    expect(result).toEqual({ kind: 'power-off' })
    expect(text).toMatch(/boot sector\r\n.*second sector\r\n.*don/s)
    expect(bytes.slice(5 * 512, 6 * 512)).toEqual(bytes.slice(512, 1024))
    return [machine.retired, machineDigest(machine)]
  })
  expect(outcomes[1]).toEqual(outcomes[0])
})
