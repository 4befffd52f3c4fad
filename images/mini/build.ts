// Builds the mini guest: our own small kernel with its user program inside, in about a second and with the same
// bytes every time. One ELF file, entered by multiboot or by the Linux boot protocol's 32-bit entry.
// With an `assembler` the kernel half is annotated; the user program never is.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { finishAnnotated } from '../assembler.js'
import { digestOf } from '../cache.js'
import { runCommand } from '../command.js'
import type { Assembler } from '../linux/kernel.js'
import { packageRoot } from '../package-root.js'

const SOURCES = join(packageRoot(import.meta.url), 'images/mini')
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

function sources(part: string, extensions: RegExp): string[] {
  return readdirSync(join(SOURCES, part))
    .filter(name => extensions.test(name))
    .sort()
    .map(name => join(SOURCES, part, name))
}

/** Digest over sources, flags and assembler; `toolchain` identifies compiler and linker. */
export function miniDigest(toolchain: string, assembler?: Assembler): string {
  const files = PARTS.flatMap(part => sources(part, /\.(c|h|S|ld)$/))
  const names = files.map(file => file.slice(SOURCES.length))
  const settings = JSON.stringify([FLAGS, KERNEL_FLAGS, LINK_FLAGS, names, assembler?.digest ?? 'plain'])
  return digestOf([toolchain, settings, ...files.map(file => readFileSync(file))])
}

async function compile(part: string, folder: string, flags: readonly string[]): Promise<string[]> {
  const objects = join(folder, part)
  mkdirSync(objects, { recursive: true })
  const files = sources(part, /\.(c|S)$/)
  await runCommand('gcc', [...FLAGS, ...flags, '-c', ...files], { cwd: objects })
  return files.map(file => join(objects, basename(file).replace(/\.\w+$/, '.o')))
}

/**
 * Builds the guest.
 * @param folder existing folder that the result and its objects go into
 * @param assembler annotates the kernel; without it the kernel is plain
 * @returns path of the ELF file
 * @throws with the compiler's own messages when a step fails
 */
export async function buildMini(folder: string, assembler?: Assembler): Promise<string> {
  const userElf = join(folder, 'user.elf')
  const userImage = join(folder, 'user.bin')
  const userScript = join(SOURCES, 'user/user.ld')
  await runCommand('ld', [...LINK_FLAGS, '-T', userScript, '-o', userElf, ...(await compile('user', folder, []))])
  await runCommand('objcopy', ['-O', 'binary', '-j', '.image', userElf, userImage])
  const annotation = assembler ? [`-B${assembler.folder}/`, '-DAFTERBURN', ...assembler.compilerFlags] : []
  const objects = await compile('kernel', folder, [...KERNEL_FLAGS, ...annotation, `-DUSER_IMAGE="${userImage}"`])
  const kernel = join(folder, 'mini')
  await runCommand('ld', [...LINK_FLAGS, '-T', join(SOURCES, 'kernel/kernel.ld'), '-o', kernel, ...objects])
  if (assembler !== undefined) finishAnnotated(kernel)
  return kernel
}
