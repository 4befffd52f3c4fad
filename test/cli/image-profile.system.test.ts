// `image profile` on Linux: after it, at most one store to a table in a thousand is outside the sites.
import { buildImage } from '../../images/index.js'
import { previrt } from './command.js'

const MINUTES = 60_000

test(
  'the stores of the workload suite to tables are sites',
  async () => {
    await buildImage('linux')
    const { status, stdout } = await previrt('image', 'profile', 'linux', '--json')
    const { after } = JSON.parse(stdout)
    expect(after.stores).toBeGreaterThan(10_000)
    expect(after.outside / after.stores).toBeLessThanOrEqual(0.001)
    expect(status).toBe(0)
  },
  30 * MINUTES,
)
