// Medians and geometric means: samples computed by hand, and properties over random ones.
import fc from 'fast-check'
import { geometricMean, median, medianAbsoluteDeviation } from '../../benchmarks/statistics.js'

const samples = fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 })

test('median of known samples', () => {
  expect(median([3])).toBe(3)
  expect(median([5, 1, 3])).toBe(3)
  expect(median([4, 1, 3, 2])).toBe(2.5)
})

test('as many samples lie above the median as below', () => {
  fc.assert(
    fc.property(samples, values => {
      const middle = median(values)
      expect(values.filter(value => value < middle).length).toBeLessThanOrEqual(values.length / 2)
      expect(values.filter(value => value > middle).length).toBeLessThanOrEqual(values.length / 2)
    }),
  )
})

test('the median absolute deviation ignores a single wild sample', () => {
  expect(medianAbsoluteDeviation([10, 11, 12, 13, 1000])).toBe(1)
  expect(medianAbsoluteDeviation([7, 7, 7])).toBe(0)
})

test('geometric mean of known samples', () => {
  expect(geometricMean([2, 8])).toBeCloseTo(4, 12)
  expect(geometricMean([0.5, 2])).toBeCloseTo(1, 12)
})

test('the geometric mean of inverses is the inverse of the geometric mean', () => {
  fc.assert(
    fc.property(samples, values => {
      expect(geometricMean(values.map(value => 1 / value)) * geometricMean(values)).toBeCloseTo(1, 9)
    }),
  )
})

test('samples that no statistic can be made of are refused', () => {
  expect(() => median([])).toThrow('no samples')
  expect(() => median([1, Number.NaN])).toThrow('finite')
  expect(() => geometricMean([1, 0])).toThrow('positive')
})
