// What the workload `disk` (images/workloads/disk.c) leaves on a disk: the pattern of its stream, made here anew.

const SECTOR = 512

/** The words that the workload's stream repeats in each of its 64 KiB, but for the first of each sector. */
function streamChunk(): Uint32Array {
  let x = 43
  return Uint32Array.from({ length: 16384 }, () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  })
}

/** The stream's chunks on an image: the number that their sectors begin with, and how many there are. */
export function streamSectors(image: Uint8Array): [number: number, sectors: number][] {
  const chunk = streamChunk()
  const bySecondWord = new Map(Array.from({ length: 128 }, (_, n) => [chunk[n * 128 + 1]!, n]))
  const words = new Uint32Array(image.buffer, image.byteOffset, image.length / 4)
  const found = new Map<number, number>()
  for (let sector = 0; sector < image.length / SECTOR; sector++) {
    const n = bySecondWord.get(words[sector * 128 + 1]!)
    if (n === undefined) continue
    const same = chunk.subarray(n * 128 + 2, n * 128 + 128).every((word, i) => word === words[sector * 128 + 2 + i])
    const number = words[sector * 128]!
    if (same) found.set(number, (found.get(number) ?? 0) + 1)
  }
  return [...found].sort(([a], [b]) => a - b)
}
