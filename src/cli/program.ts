// The commands and their options, declared with commander. Each command's code is loaded when it is called, so that
// `run` starts without the rest.

import { Command, CommanderError } from 'commander'
import { STATUS_USAGE, STATUS_WELL } from './exit.js'
import { notInThisVersion } from './failure.js'
import { addRunOptions, readRunOptions } from './options.js'
import { rewriteQemuSpellings } from './qemu-spellings.js'

/** Runs a command line. Returns the exit status; throws for what is not a matter of usage. */
export async function runProgram(words: readonly string[]): Promise<number> {
  let status = STATUS_WELL
  const program = new Command('previrt')
    .description('a full-system 32-bit x86 emulator and pre-virtualization system')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`previrt: ${text.replace(/^error: /, '')}`) })
  const run = addRunOptions(program.command('run').description('run a guest')).action(async (image, given) => {
    const options = readRunOptions(image, given)
    status = await (await import('./run.js')).run(options)
  })
  for (const name of ['inspect', 'export', 'compare']) {
    program
      .command(name, { hidden: true })
      .allowUnknownOption()
      .allowExcessArguments()
      .action(() => {
        throw notInThisVersion(name)
      })
  }
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
