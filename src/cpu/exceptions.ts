// Exception vectors, which of them push an error code, and how two of them combine (SDM vol. 3, 6.3 to 6.5, 6.15).

export const DE = 0
export const DB = 1
export const NMI = 2
export const UD = 6
export const DF = 8
export const TS = 10
export const NP = 11
export const SS = 12
export const GP = 13
export const PF = 14
export const AC = 17
export const MC = 18

const ERROR_CODE = (1 << DF) | (1 << TS) | (1 << NP) | (1 << SS) | (1 << GP) | (1 << PF) | (1 << AC)
const CONTRIBUTORY = (1 << DE) | (1 << TS) | (1 << NP) | (1 << SS) | (1 << GP)

/** True when the exception pushes an error code (SDM vol. 3, table 6-1). */
export const hasErrorCode = (vector: number) => vector < 32 && ((ERROR_CODE >>> vector) & 1) !== 0

const contributory = (vector: number) => vector < 32 && ((CONTRIBUTORY >>> vector) & 1) !== 0

/** True when `second`, raised while `first` is being delivered, makes a double fault (SDM vol. 3, table 6-5). */
export function makesDoubleFault(first: number, second: number): boolean {
  if (contributory(first)) return contributory(second)
  if (first === PF) return second === PF || contributory(second)
  return false
}
