// Numbers of registers as hypervisor.ts counts them, and the flags of EFLAGS that matter here.

export const EAX = 0
export const ECX = 1
export const EDX = 2
export const EBX = 3
export const ESP = 4
export const EBP = 5
export const ESI = 6
export const EDI = 7

export const ES = 0
export const CS = 1
export const SS = 2
export const DS = 3
export const FS = 4
export const GS = 5
export const LDTR = 6

export const TF = 0x100
export const IF = 0x200
export const IOPL = 0x3000
export const NT = 0x4000
export const RF = 0x10000
export const VM = 0x20000

export const CR0_TS = 8

// Exceptions.
export const DB = 1
export const NMI = 2
export const UD = 6
export const NM = 7
export const TS = 10
export const NP = 11
export const SF = 12
export const GP = 13
export const PF = 14
const WITH_ERROR_CODE = new Set([8, 10, 11, 12, 13, 14, 17])

/** True for exceptions that push an error code. */
export const hasErrorCode = (vector: number) => WITH_ERROR_CODE.has(vector)
