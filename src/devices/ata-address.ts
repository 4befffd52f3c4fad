// How the registers of an ATA disk name a sector: 28-bit addresses, or cylinder, head and sector in a translation.
// Source: ATA/ATAPI-4 (T13/1153D) sections 6.2 and 8.16, annex B.

/** Sectors that 28-bit addresses reach. */
export const MAXIMUM_SECTORS = 0x0fffffff

const LBA = 0x40 // in the device register

export type Geometry = { cylinders: number; heads: number; sectors: number }

export interface AddressRegisters {
  /** Sector number, cylinder low, cylinder high; or bits 0-23 of the address. */
  lba: number[]
  /** Device register: bits 0-3 are the head or bits 24-27 of the address, bit 6 chooses. */
  device: number
}

/** The default translation: 16 heads, 63 sectors, at most 16,383 cylinders. */
export function defaultGeometry(totalSectors: number): Geometry {
  const cylinders = Math.min(Math.max(Math.floor(totalSectors / (16 * 63)), 1), 16_383)
  return { cylinders, heads: 16, sectors: 63 }
}

/** The translation that INITIALIZE DEVICE PARAMETERS asks for; undefined when a track cannot have so many sectors. */
export function geometryOf(heads: number, sectors: number, totalSectors: number): Geometry | undefined {
  if (sectors === 0 || sectors > 63) return undefined
  return { cylinders: Math.min(Math.floor(totalSectors / (heads * sectors)), 0xffff), heads, sectors }
}

/** The sector that the registers name, -1 when the translation has no such head or sector. */
export function firstSector({ lba, device }: AddressRegisters, geometry: Geometry): number {
  const [low, middle, high] = lba as [number, number, number]
  const head = device & 0x0f
  if (device & LBA) return (head << 24) | (high << 16) | (middle << 8) | low
  if (low === 0 || low > geometry.sectors || head >= geometry.heads) return -1
  return ((middle | (high << 8)) * geometry.heads + head) * geometry.sectors + low - 1
}

/** The registers that name a sector, in the form that `device` chooses. */
export function addressOf(sector: number, device: number, { heads, sectors }: Geometry): AddressRegisters {
  const kept = device & 0xf0
  if (device & LBA) {
    return { lba: [sector & 0xff, (sector >> 8) & 0xff, (sector >> 16) & 0xff], device: kept | (sector >>> 24) }
  }
  const track = Math.floor(sector / sectors)
  const cylinder = Math.floor(track / heads)
  return { lba: [(sector % sectors) + 1, cylinder & 0xff, (cylinder >> 8) & 0xff], device: kept | (track % heads) }
}
