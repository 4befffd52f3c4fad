// The time registers of the MC146818 (0x00-0x09) and the century byte of the PC: encoding, counting, alarm.
// Source: MC146818A data sheet, "Time, calendar and alarm locations". Works on the chip's RAM in place; the data mode
// (binary or BCD) and the hour mode (12 or 24) are those of register B.

const SECONDS = 0x00
const MINUTES = 0x02
const HOURS = 0x04
const WEEKDAY = 0x06 // Sunday is 1
const DAY = 0x07
const MONTH = 0x08
const YEAR = 0x09
const REGISTER_B = 0x0b
const CENTURY = 0x32
const B_BINARY = 0x04
const B_24_HOURS = 0x02
const AFTERNOON = 0x80
const DAY_SECONDS = 86_400

/** Sets all time registers to a time in seconds since 1970-01-01 UTC. */
export function writeTime(ram: Uint8Array, seconds: number): void {
  const date = new Date(seconds * 1000)
  const year = date.getUTCFullYear()
  ram[SECONDS] = encode(ram, date.getUTCSeconds())
  ram[MINUTES] = encode(ram, date.getUTCMinutes())
  ram[HOURS] = encodeHours(ram, date.getUTCHours())
  ram[WEEKDAY] = encode(ram, date.getUTCDay() + 1)
  ram[DAY] = encode(ram, date.getUTCDate())
  ram[MONTH] = encode(ram, date.getUTCMonth() + 1)
  ram[YEAR] = encode(ram, year % 100)
  ram[CENTURY] = toBcd(Math.floor(year / 100))
}

/** Counts the time registers on by a number of seconds. Fields out of range carry over as a calendar does. */
export function advanceTime(ram: Uint8Array, seconds: number): void {
  writeTime(ram, readTime(ram) + seconds)
}

/** The time in the registers, seconds since 1970-01-01 UTC. */
function readTime(ram: Uint8Array): number {
  const year = fromBcd(ram[CENTURY]!) * 100 + decode(ram, ram[YEAR]!)
  const month = decode(ram, ram[MONTH]!) - 1
  const time = secondsOfDay(ram, SECONDS, MINUTES, HOURS)
  return Date.UTC(year, month, decode(ram, ram[DAY]!)) / 1000 + time
}

/** Whether the alarm goes off in one of the next `seconds` updates. An alarm byte of 0xC0-0xFF matches any value. */
export function matchesAlarm(ram: Uint8Array, seconds: number): boolean {
  const start = secondsOfDay(ram, SECONDS, MINUTES, HOURS)
  const any = (register: number) => ram[register]! >= 0xc0
  const alarmSecond = any(1) ? -1 : decode(ram, ram[1]!)
  const alarmMinute = any(3) ? -1 : decode(ram, ram[3]!)
  const alarmHour = any(5) ? -1 : decodeHours(ram, ram[5]!)
  for (let passed = 1; passed <= Math.min(seconds, DAY_SECONDS); passed++) {
    const time = (start + passed) % DAY_SECONDS
    if (
      (alarmSecond < 0 || alarmSecond === time % 60) &&
      (alarmMinute < 0 || alarmMinute === Math.floor(time / 60) % 60) &&
      (alarmHour < 0 || alarmHour === Math.floor(time / 3600))
    ) {
      return true
    }
  }
  return false
}

function secondsOfDay(ram: Uint8Array, second: number, minute: number, hour: number): number {
  return decode(ram, ram[second]!) + decode(ram, ram[minute]!) * 60 + decodeHours(ram, ram[hour]!) * 3600
}

function encode(ram: Uint8Array, value: number): number {
  return ram[REGISTER_B]! & B_BINARY ? value : toBcd(value)
}

function decode(ram: Uint8Array, value: number): number {
  return ram[REGISTER_B]! & B_BINARY ? value : fromBcd(value)
}

function encodeHours(ram: Uint8Array, hours: number): number {
  if (ram[REGISTER_B]! & B_24_HOURS) return encode(ram, hours)
  return encode(ram, hours % 12 || 12) | (hours >= 12 ? AFTERNOON : 0)
}

function decodeHours(ram: Uint8Array, value: number): number {
  if (ram[REGISTER_B]! & B_24_HOURS) return decode(ram, value)
  return (decode(ram, value & 0x7f) % 12) + (value & AFTERNOON ? 12 : 0)
}

function toBcd(value: number): number {
  return (Math.floor(value / 10) << 4) | (value % 10)
}

function fromBcd(value: number): number {
  return (value >> 4) * 10 + (value & 15)
}
