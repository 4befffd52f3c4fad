// Commands of an ATA disk that change nothing here, and what SET FEATURES may ask for (ATA/ATAPI-4, T13/1153D, section 8).

/** Standby, idle and sleep, now or after a time, and their older codes. */
const POWER_COMMANDS = [0x94, 0x95, 0x96, 0x97, 0x99, 0xe0, 0xe1, 0xe2, 0xe3, 0xe6]

/** A power command or RECALIBRATE. */
export function isWithoutEffect(command: number): boolean {
  return (command >= 0x10 && command <= 0x1f) || POWER_COMMANDS.includes(command)
}

/** Write cache and look-ahead, and reverting to defaults: accepted, and all the same. */
const HARMLESS = [0x02, 0x82, 0x55, 0xaa, 0x66, 0xcc]

/** Whether SET FEATURES may set this, with what is in the sector count register: the transfer mode where it is asked for. */
export function isFeature(subcommand: number, count: number): boolean {
  const pioMode = subcommand === 0x03 && (count <= 1 || (count & 0xf8) === 0x08) && (count & 7) <= 4
  return pioMode || HARMLESS.includes(subcommand)
}
