// The commands and their options, declared with commander. Each command's code is loaded when it is called, so that
// `run` starts without the rest.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError, Option } from 'commander'
import { packageRoot } from '../../images/package-root.js'
import { STATUS_USAGE, STATUS_WELL } from './exit.js'
import { describeFailure } from './failure.js'
import { addRunOptions, ENGINES, memoryOption, parseCount, readRunOptions } from './options.js'
import { rewriteQemuSpellings } from './qemu-spellings.js'

/** Runs a command line. Returns the exit status; whatever goes wrong is told in one line on standard error. */
export async function runCommandLine(words: readonly string[]): Promise<number> {
  try {
    return await runProgram(words)
  } catch (error) {
    const { line, status } = describeFailure(error)
    process.stderr.write(`previrt: ${line}\n`)
    return status
  }
}

/** Told of a command's exit status. */
type Finish = (status: number) => void

async function runProgram(words: readonly string[]): Promise<number> {
  let status = STATUS_WELL
  const finish: Finish = ended => {
    status = ended
  }
  const program = new Command('previrt')
    .description('a full-system 32-bit x86 emulator and pre-virtualization system')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`previrt: ${usageError(text, helpFor(program, words))}\n`) })
    .option('--version', 'print the version')
    .on('option:version', () => {
      process.stdout.write(`previrt ${packageVersion()}\n`)
      throw new CommanderError(0, 'commander.version', '')
    })
  const run = addRun(program, finish)
  for (const add of [addImage, addInspect, addBench, addExport, addCompare]) add(program, finish)
  const valued = new Set(run.options.filter(option => option.required).map(option => option.long))
  const ours = words[0] === 'run' ? rewriteQemuSpellings(words, word => valued.has(word)) : words
  try {
    await program.parseAsync(ours, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? STATUS_WELL : STATUS_USAGE
    throw error
  }
  return status
}

function addRun(program: Command, finish: Finish): Command {
  return addRunOptions(program.command('run').description('run a guest')).action(async (image, given) => {
    const options = readRunOptions(image, given)
    const { guests } = options
    finish(
      guests.length > 0
        ? await (await import('./run-guests.js')).runGuests(guests, options)
        : await (await import('./run.js')).run(options),
    )
  })
}

function addImage(program: Command, finish: Finish) {
  const image = program.command('image').description('build, list and profile guest images')
  image
    .command('build <name>')
    .description('build linux, linux-net or mini, or find it in the cache')
    .option('--plain', 'the unannotated twin')
    .option('--json', 'one JSON line')
    .action(async (name, given) => {
      finish(await (await import('./image.js')).imageBuild(name, given))
    })
  image
    .command('list')
    .description('every image, annotated and plain, and where it is')
    .option('--json', 'one JSON object a line')
    .action(async given => {
      finish((await import('./image.js')).imageList(given))
    })
  image
    .command('profile <name>')
    .description('find stores to tables that are no sites, and annotate them')
    .option('--json', 'one JSON line')
    .action(async (name, given) => {
      finish(await (await import('./image-profile.js')).imageProfile(name, given))
    })
}

function addInspect(program: Command, finish: Finish) {
  program
    .command('inspect <image>')
    .description("check an annotated image's sites")
    .option('--against <plain>', 'prove it equal to its plain twin (name or file)')
    .option('--disasm <symbol>', 'disassemble a function, sites marked')
    .option('--json', 'one JSON line')
    .action(async (name, given) => {
      finish(await (await import('./inspect.js')).inspect(name, given))
    })
}

function addBench(program: Command, finish: Finish) {
  program
    .command('bench [suite]')
    .description(
      'measure: peers (other emulators; the default), micro, macro (counters on each path), all (these three), annotation (what sites cost a native kernel)',
    )
    .option('--peers <names>', 'v86, qemu, or both, joined by commas (the default)')
    .option(
      '--runs <n>',
      'peers: runs of each machine; micro, macro: repetitions, counters must be the same in each',
      parseCount,
    )
    .option('--jobs <names>', 'only these jobs or workloads, joined by commas')
    .option('--scale <percent>', 'per cent of the full work', parseCount)
    .addOption(new Option('--engine <name>', 'peers: our engine').choices(ENGINES))
    .option('--image <name>', 'micro, macro: linux (the default), linux-net, mini, or a kernel file')
    .option('--on <paths>', 'micro, macro: as for compare')
    .option('--seeds <numbers>', 'micro, macro: joined by commas; each moves the timer interrupts by a little')
    .option('--against <file>', 'micro, macro: end with 5 when a counter is not that of this baseline')
    .option('--write-baseline <file>', 'micro, macro: keep the counters')
    .option('--json', 'one JSON line')
    .action(async (suite, given) => {
      finish(await (await import('./bench.js')).bench(suite, given))
    })
}

function addExport(program: Command, finish: Finish) {
  program
    .command('export <image>')
    .description('write a guest in its VMM as one file that a hypervisor starts')
    .requiredOption('--on <path>', 'the hypervisor: xen')
    .requiredOption('-o, --output <file>', 'the file')
    .addOption(memoryOption('what the guest sees as its memory'))
    .option('--append <text>', "added to the image's own command line")
    .action(async (image, given) => {
      const { exportGuest, findExported } = await import('./virtualized.js')
      finish(await exportGuest(await findExported(image, given), given))
    })
}

function addCompare(program: Command, finish: Finish) {
  program
    .command('compare <image>')
    .description('run the same workloads on several paths, check that they agree, and price them')
    .option('--on <paths>', 'native, trap, xen, or one profile as trap/vtx, xen/3.0', 'native,trap,xen')
    .option('--workload <names>', 'joined by commas, or all', 'all')
    .option('--scale <n>', 'of the work: per cent on linux, a factor on mini', parseCount)
    .option('--costs <tables>', 'names or files of cost tables (default: all that are in benchmarks/costs)')
    .option('--json', 'one JSON line')
    .option('--html <file>', 'a page with charts, on its own')
    .option(
      '--consolidate <numbers>',
      'instead: so many guests at once on xen, for example 1,2,4: throughput and entries',
    )
    .action(async (image, given) => {
      finish(
        given.consolidate !== undefined
          ? await (await import('./consolidate.js')).consolidate(image, given)
          : await (await import('./compare.js')).compare(image, given),
      )
    })
}

function packageVersion(): string {
  return JSON.parse(readFileSync(join(packageRoot(import.meta.url), 'package.json'), 'utf8')).version
}

/** The command that prints the help for a command line. */
function helpFor(program: Command, [word]: readonly string[]): string {
  const command = program.commands.find(each => each.name() === word)
  return command ? `previrt ${command.name()} --help` : 'previrt --help'
}

/** What commander says about a bad command line, in one line with the remedy. */
function usageError(text: string, help: string): string {
  const line = text
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ')
  const remedyFollows = /^(?:unknown|too many|missing|required|option .* argument missing)/.test(line)
  return remedyFollows ? `${line.replace(/\.$/, '')}; see ${help}` : line
}
