// What a PC BIOS finds in CMOS RAM about the machine: memory sizes, equipment, disks, boot order.
// Source: IBM PC AT Technical Reference, "CMOS RAM configuration"; bytes 0x34-0x35, 0x38, 0x3D and 0x5B-0x5D as the BIOSes
// of Bochs and SeaBIOS read them. The time registers are the chip's (mc146818-rtc.ts).

export interface CmosOptions {
  /** Bytes of RAM from address 0. */
  readonly memoryBytes: number
  /** Cylinders, heads and sectors of the first disk; absent when there is none. */
  readonly disk?: { readonly cylinders: number; readonly heads: number; readonly sectors: number }
}

const KIB = 1024
const MIB = 1024 * KIB
const EQUIPMENT_FPU = 0x02
const TYPE_EXTENDED = 0xf0 // the first disk has its type in byte 0x19
const TYPE_USER = 47
const BOOT_DISK = 2
const BOOT_FLOPPY = 1

/** 128 bytes of CMOS RAM for a machine. */
export function cmosRam({ memoryBytes, disk }: CmosOptions): Uint8Array {
  const ram = new Uint8Array(128)
  const word = (index: number, value: number) => {
    ram[index] = value & 0xff
    ram[index + 1] = (value >> 8) & 0xff
  }
  word(0x15, Math.min(memoryBytes / KIB, 640))
  const extended = Math.floor(Math.min(Math.max(memoryBytes - MIB, 0) / KIB, 0xffff))
  word(0x17, extended)
  word(0x30, extended)
  word(0x34, Math.floor(Math.min(Math.max(memoryBytes - 16 * MIB, 0) / (64 * KIB), 0xffff)))
  ram[0x14] = EQUIPMENT_FPU
  ram[0x3d] = disk === undefined ? BOOT_FLOPPY : BOOT_DISK | (BOOT_FLOPPY << 4)
  if (disk !== undefined) {
    ram[0x12] = TYPE_EXTENDED
    ram[0x19] = TYPE_USER
    word(0x1b, Math.min(disk.cylinders, 0xffff))
    ram[0x1d] = disk.heads
    word(0x1e, 0xffff) // no write precompensation
    ram[0x20] = 0xc0 | (disk.heads > 8 ? 8 : 0)
    word(0x21, Math.min(disk.cylinders, 0xffff)) // landing zone
    ram[0x23] = disk.sectors
  }
  let sum = 0
  for (let index = 0x10; index <= 0x2d; index++) sum += ram[index]!
  ram[0x2e] = sum >> 8
  ram[0x2f] = sum & 0xff
  return ram
}
