// Builds the mini guest: our own small kernel with its user program inside, in about a second and with the same
// bytes every time. One ELF file, entered by multiboot or by the Linux boot protocol's 32-bit entry.
// With an `assembler` the kernel half is annotated; the user program never is.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { finishImage } from '../../src/afterburner/finish.js'

/** What stands in for the system's assembler when the kernel is annotated. */
export interface MiniAssembler {
  /** Folder with an executable `as`; given to gcc as -B. */
  folder: string
  /** Changes whenever the assembler's output could. */
  digest: string
}

const FLAGS = [
  '-m32',
  '-march=i686',
  '-O2',
  '-std=gnu11',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-ffreestanding',
  '-fno-pic',
  '-fno-stack-protector',
  '-fcf-protection=none',
  '-fno-asynchronous-unwind-tables',
  '-fno-strict-aliasing',
]
const KERNEL_FLAGS = ['-mgeneral-regs-only', '-Wno-unused-parameter']
const LINK_FLAGS = ['-m', 'elf_i386', '--build-id=none', '-z', 'noexecstack', '--no-warn-rwx-segments']
const PARTS = ['kernel', 'user'] as const

const run = promisify(execFile)

/** Folder of the sources: beside this file, or in the package when this file runs from dist. */
function sourceFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  return resolve(here.replace(/([/\\])dist([/\\]images[/\\]mini)$/, '$1$2'))
}

function sources(part: string, extensions: RegExp): string[] {
  const folder = join(sourceFolder(), part)
  return readdirSync(folder)
    .filter(name => extensions.test(name))
    .sort()
    .map(name => join(folder, name))
}

/** Digest over sources, flags and assembler; `toolchain` identifies compiler and linker. */
export function miniDigest(toolchain: string, assembler?: MiniAssembler): string {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([toolchain, FLAGS, KERNEL_FLAGS, LINK_FLAGS, assembler?.digest ?? 'plain']))
  for (const part of PARTS) {
    for (const file of sources(part, /\.(c|h|S|ld)$/))
      hash.update(file.slice(sourceFolder().length)).update(readFileSync(file))
  }
  return hash.digest('hex')
}

async function compile(part: string, folder: string, flags: readonly string[]): Promise<string[]> {
  const objects = join(folder, part)
  mkdirSync(objects, { recursive: true })
  const files = sources(part, /\.(c|S)$/)
  await run('gcc', [...FLAGS, ...flags, '-c', ...files], { cwd: objects })
  return files.map(file => join(objects, `${file.slice(file.lastIndexOf('/') + 1).replace(/\.\w+$/, '')}.o`))
}

/**
 * Builds the guest.
 * @param folder existing folder that the result and its objects go into
 * @param assembler annotates the kernel; without it the kernel is plain
 * @returns path of the ELF file
 * @throws with the compiler's own messages when a step fails
 */
export async function buildMini(folder: string, assembler?: MiniAssembler): Promise<string> {
  const userElf = join(folder, 'user.elf')
  const userImage = join(folder, 'user.bin')
  const userScript = join(sourceFolder(), 'user/user.ld')
  await run('ld', [...LINK_FLAGS, '-T', userScript, '-o', userElf, ...(await compile('user', folder, []))])
  await run('objcopy', ['-O', 'binary', '-j', '.image', userElf, userImage])
  const annotation = assembler ? [`-B${assembler.folder}/`, '-DAFTERBURN'] : []
  const objects = await compile('kernel', folder, [...KERNEL_FLAGS, ...annotation, `-DUSER_IMAGE="${userImage}"`])
  const kernel = join(folder, 'mini')
  await run('ld', [...LINK_FLAGS, '-T', join(sourceFolder(), 'kernel/kernel.ld'), '-o', kernel, ...objects])
  if (assembler !== undefined) {
    const bytes = readFileSync(kernel)
    finishImage(kernel, bytes)
    writeFileSync(kernel, bytes)
  }
  return kernel
}
