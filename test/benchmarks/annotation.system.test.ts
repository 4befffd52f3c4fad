// What the afterburner costs a kernel on the bare machine, against its limits.
import { formatAnnotation, measureAnnotation } from '../../benchmarks/annotation.js'

const MINUTES = 60_000

test(
  'text grows by at most 3 %, the instructions of a boot by at most 0.7 %',
  async () => {
    const report = await measureAnnotation('linux')
    expect(report.textBytes.plain).toBeGreaterThan(2_000_000)
    expect(report.textBytes.percent).toBeGreaterThan(0)
    expect(report.textBytes.percent).toBeLessThanOrEqual(3)
    for (const each of Object.values(report.bootInstructions)) {
      expect(each.plain).toBeGreaterThan(50_000_000)
      expect(each.percent).toBeLessThanOrEqual(0.7)
    }
    expect(formatAnnotation(report).split('\n')).toHaveLength(4)
  },
  30 * MINUTES,
)
