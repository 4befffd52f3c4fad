// What the benchmark beside other emulators refuses before it runs anything.
import { runPeersBenchmark } from '../../benchmarks/peers.js'

test('unknown peers and jobs are refused before anything runs', async () => {
  await expect(runPeersBenchmark({ peers: ['bochs' as 'qemu'] })).rejects.toThrow(
    "no peer 'bochs'; there are: v86, qemu",
  )
  await expect(runPeersBenchmark({ jobs: ['int_sort', 'int_x'] })).rejects.toThrow(
    /no job 'int_x'; there are: int_records/,
  )
})

test('a benchmark without a run is refused', async () => {
  await expect(runPeersBenchmark({ runs: 0 })).rejects.toThrow('--runs 0: give a whole number above 0')
})
