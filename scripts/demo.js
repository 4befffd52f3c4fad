// The demo: sets everything up and shows a real Linux on the emulated PC. Until our own kernel is compiled, Debian's
// prebuilt one is shown (or the mini guest, where that cannot be downloaded). On a terminal the guest's shell is yours;
// without one a scripted session runs. Usage: node scripts/demo.js
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import { constants, homedir, setPriority } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { run, waitFor } from './progress.js'
import { setUp } from './setup.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const previrt = [process.execPath, join(root, 'dist/src/cli/main.js')]
const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true
const commandLine = 'console=ttyS0,115200 panic=-1 reboot=k'

process.exitCode = await demonstrate()

async function demonstrate() {
  const ready = await setUp('demo')
  if (ready !== 0) return ready
  const image = builtLinux()
  if (image) return show("Linux 6.1, compiled here from Debian's source", image)

  const build = startBuild()
  const prebuilt = await prebuiltGuest()
  if (prebuilt) {
    const status = show(prebuilt.title, prebuilt.arguments)
    if (!terminal || status !== 0) {
      build.stop()
      say('the image is not finished; npx previrt image build linux makes it')
      return status
    }
  }
  say(`the image is next (Ctrl-C leaves; details in ${build.log})`)
  if ((await waitFor('building Linux 6.1', build.ended, build.progress)) !== 0) {
    say(`the image could not be built; see ${build.log}`)
    return 1
  }
  return show("Linux 6.1, compiled here from Debian's source", ['linux'])
}

/** The arguments that run the Linux image that is built, the annotated one first; undefined where there is none. */
function builtLinux() {
  const listing = spawnSync(previrt[0], [previrt[1], 'image', 'list', '--json'], { encoding: 'utf8' }).stdout ?? ''
  const images = listing
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line))
  const built = images.filter(image => image.name === 'linux' && image.built)
  if (built.length === 0) return undefined
  return built.some(image => !image.plain) ? ['linux'] : ['linux', '--plain']
}

/** Compiles our kernel in the background; the processes of the build form a group that `stop` ends. */
function startBuild() {
  const logs = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'previrt', 'logs')
  mkdirSync(logs, { recursive: true })
  const log = join(logs, 'demo.log')
  const output = openSync(log, 'w')
  say('building in the background: Linux 6.1 from linux-source-6.1 and its programs (some minutes)')
  const child = spawn(previrt[0], [previrt[1], 'image', 'build', 'linux'], {
    stdio: ['ignore', output, output, 'ipc'],
    detached: true,
  })
  let done = 0
  child.on('message', message => {
    done = message.done / message.total
  })
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
  let running = true
  const ended = new Promise(resolve => {
    const end = status => {
      running = false
      resolve(status ?? 1)
    }
    child.on('error', () => end(127))
    child.on('close', end)
  })
  const stop = () => {
    if (!running || child.pid === undefined) return
    child.unref()
    child.channel?.unref()
    process.kill(-child.pid, 'SIGTERM')
  }
  process.on('exit', stop)
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])
    process.on(signal, () => process.exit(status))
  return { log, ended, progress: () => done, stop }
}

async function prebuiltGuest() {
  try {
    say("fetching Debian's prebuilt kernel meanwhile")
    const { debianGuest } = await import(pathToFileURL(join(root, 'dist/images/debian-guest.js')).href)
    const { kernel, initrd } = await debianGuest()
    return { title: "Debian's linux-image-686, unmodified", arguments: ['--kernel', kernel, '--initrd', initrd] }
  } catch (error) {
    say(`it cannot be had: ${String(error.message).split('\n')[0]}`)
  }
  const status = await run('building the mini guest', [...previrt, 'image', 'build', 'mini'])
  return status === 0 ? { title: 'the mini guest', arguments: ['mini'] } : undefined
}

/** Runs one guest; on a terminal with its shell, else with its self-check up to the last marker. */
function show(title, what) {
  say(terminal ? `${title}; its shell is yours, Ctrl-A x leaves` : `${title}; a scripted session`)
  const session = terminal
    ? ['--append', `${commandLine} shell`]
    : ['--append', commandLine, '--expect', 'previrt: done']
  const args = [previrt[1], 'run', ...what, '--on', 'native', '--mem', '128M', ...session]
  const status = spawnSync(previrt[0], args, { stdio: [terminal ? 'inherit' : 'ignore', 'inherit', 'inherit'] }).status
  // --expect ends the guest right behind its text, in the middle of a line.
  if (!terminal && status === 0) process.stdout.write('\n')
  return status ?? 1
}

function say(text) {
  process.stderr.write(`demo: ${text}\n`)
}
