// The statistics that benchmark reports are made of: robust ones for samples (median, median absolute
// deviation), the geometric mean for ratios (Fleming and Wallace, CACM 29(3), 1986).

function requireSamples(samples: readonly number[]): void {
  if (samples.length === 0) throw new RangeError('no samples')
  if (!samples.every(Number.isFinite)) throw new RangeError(`samples must be finite numbers: ${samples.join(', ')}`)
}

/**
 * Middle of the sorted samples; the mean of the two middle ones when their number is even.
 * @throws RangeError without samples, or when one is not a finite number
 */
export function median(samples: readonly number[]): number {
  requireSamples(samples)
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Median of the distances from the median, in the unit of the samples (not scaled to a standard deviation). */
export function medianAbsoluteDeviation(samples: readonly number[]): number {
  const center = median(samples)
  return median(samples.map(sample => Math.abs(sample - center)))
}

/**
 * Geometric mean.
 * @throws RangeError without samples, or when one is not a positive number
 */
export function geometricMean(samples: readonly number[]): number {
  requireSamples(samples)
  if (samples.some(sample => sample <= 0)) throw new RangeError(`samples must be positive: ${samples.join(', ')}`)
  return Math.exp(samples.reduce((sum, sample) => sum + Math.log(sample), 0) / samples.length)
}
