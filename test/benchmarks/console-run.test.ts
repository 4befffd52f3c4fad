// Reading the console of an emulator that runs as a child process: markers, ends that come too early, silence. The
// emulators here are small programs of Node.
import { MarkerReader, runOnConsole } from '../../benchmarks/console-run.js'

const CONSOLE =
  'Linux boots\r\nprevrt: not a marker\r\nprevirt: userland\r\nprevirt: begin one\r\nnoise\r\n' +
  'previrt: end one c0ffee 0\r\nprevirt: begin two\r\nprevirt: end two - 77\r\nprevirt: done\r\n'

/** Feeds the console in pieces of a size; every sample is one second later than the one before. */
function read(pieceLength: number): MarkerReader {
  const reader = new MarkerReader()
  let seconds = 0
  for (let at = 0; at < CONSOLE.length; at += pieceLength) {
    reader.take(CONSOLE.slice(at, at + pieceLength), () => ({ cpuSeconds: ++seconds, wallSeconds: 2 * seconds }))
  }
  return reader
}

test.each([1, 3, 7])('markers are found however the output is cut (pieces of %i)', pieceLength => {
  const { jobs, isDone } = read(pieceLength)
  expect(isDone).toBe(true)
  expect(jobs).toEqual({
    boot: { cpuSeconds: 1, wallSeconds: 2, checksum: '-', status: 0 },
    one: { cpuSeconds: 1, wallSeconds: 2, checksum: 'c0ffee', status: 0 },
    two: { cpuSeconds: 1, wallSeconds: 2, checksum: '-', status: 77 },
  })
})

test('markers that arrive together share one sample', () => {
  const { jobs } = read(CONSOLE.length)
  expect(jobs.one!.cpuSeconds).toBe(0)
})

test('a console that ends early is an error that shows its end', async () => {
  await expect(runOnConsole(['sh', '-c', 'echo previrt: userland; echo oops; exit 3'], 10)).rejects.toThrow(
    /ended with 3.*oops/s,
  )
})

test('a command that does not exist is an error', async () => {
  await expect(runOnConsole(['/no/such/emulator'], 10)).rejects.toThrow('could not be started')
})

test('a machine that stays silent is killed', async () => {
  await expect(runOnConsole(['sleep', '60'], 0.2)).rejects.toThrow('did not finish within 0.2 s')
})

test('a whole run gives its jobs', async () => {
  const text = CONSOLE.replaceAll('\r\n', '\\n')
  const run = await runOnConsole(['sh', '-c', `printf '${text}'; exec sleep 60`], 10)
  expect(Object.keys(run.jobs)).toEqual(['boot', 'one', 'two'])
})
