// Numbers and tables for people, without the host's language: digits in groups of three, columns aligned.

/** 1234567 as 1,234,567. */
export function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** A large number in thousands, millions or thousands of millions, three digits of it. */
export function scaled(value: number): string {
  const size = Math.abs(value)
  const unit = UNITS.find(({ from }) => size >= from)
  if (!unit) return String(Math.round(value))
  const number = value / unit.from
  return `${number.toFixed(Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 2)} ${unit.name}`
}
const UNITS = [
  { from: 1e9, name: 'G' },
  { from: 1e6, name: 'M' },
  { from: 1e3, name: 'k' },
]

/**
 * Rows as lines: the first column to the left, the others to the right.
 * @param rightTo column up to which cells are aligned to the right; those behind it are left as they are
 */
export function rightAligned(rows: readonly (readonly string[])[], rightTo = Number.POSITIVE_INFINITY): string[] {
  const widths: number[] = []
  for (const row of rows)
    row.forEach((cell, n) => {
      widths[n] = Math.max(widths[n] ?? 0, cell.length)
    })
  return rows.map(row =>
    row
      .map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : n <= rightTo ? cell.padStart(widths[n]!) : cell))
      .join('  ')
      .trimEnd(),
  )
}
