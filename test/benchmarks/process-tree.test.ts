// CPU time and memory of a process tree, held against what the processes themselves learn from the kernel (getrusage).
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpuSecondsOfTree, endedChildrenCpuSeconds, peakResidentBytesOfTree } from '../../benchmarks/process-tree.js'

// Each child reports its own CPU time (getrusage, an independent path into the kernel) and then waits.
const BURN = `
  while (process.cpuUsage().user < 150000);
  const block = Buffer.alloc(64 << 20, 1)
  const { user, system } = process.cpuUsage()
  process.stdout.write(JSON.stringify({ seconds: (user + system) / 1e6, bytes: block.length }) + '\\n')
  setInterval(() => {}, 1000)`

test('CPU time and memory of a child are those that the child reports itself', async () => {
  const child = spawn(process.execPath, ['-e', BURN], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [chunk] = await once(child.stdout, 'data')
  const own = JSON.parse(String(chunk))
  const seconds = cpuSecondsOfTree(child.pid!)
  expect(seconds).toBeGreaterThan(own.seconds - 0.03)
  expect(seconds).toBeLessThan(own.seconds + 1)
  expect(peakResidentBytesOfTree(child.pid!)).toBeGreaterThan(own.bytes)
  child.kill('SIGKILL')
  await once(child, 'close')
  expect(cpuSecondsOfTree(child.pid!)).toBe(0)
})

test('a grandchild counts, living or ended', async () => {
  const before = endedChildrenCpuSeconds()
  const script = `"${process.execPath}" -e '${BURN.replaceAll("'", '"')}' & wait`
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const [chunk] = await once(child.stdout, 'data')
  const own = JSON.parse(String(chunk))
  expect(cpuSecondsOfTree(child.pid!)).toBeGreaterThan(own.seconds - 0.03)
  process.kill(-child.pid!, 'SIGKILL')
  await once(child, 'close')
  spawnSync(process.execPath, ['-e', 'while (process.cpuUsage().user < 100000);'])
  expect(endedChildrenCpuSeconds()).toBeGreaterThanOrEqual(before + 0.08)
})
