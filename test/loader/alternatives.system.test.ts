// The built kernel on QEMU: our settled text against the text that the kernel made of itself, and a boot of the settled
// image, entered by our own loader, that must leave its text alone.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { settleAlternatives } from '../../src/loader/alternatives.js'
import { type ElfImage, findSection, parseElf } from '../../src/loader/elf.js'
import { loadLinux } from '../../src/loader/linux.js'
import { linuxFeatures } from '../../src/loader/linux-features.js'
import { SymbolTable } from '../../src/loader/symbols.js'
import { builtKernel } from './built-kernel.js'
import { handover } from './handover.js'
import { physicalMemory } from './physical-memory.js'
import { haveQemu, QemuMachine } from './qemu-machine.js'

const vmlinux = builtKernel('vmlinux')
const initrd = builtKernel('initramfs.cpio.gz')
if (!haveQemu) process.stderr.write('skipped: qemu-system-i386 is not installed\n')
const check = vmlinux && initrd && haveQemu ? test : test.skip

const PAGE_OFFSET = 0x80000000
const COMMAND_LINE = 'console=ttyS0,115200 panic=-1 shell'
const MARKER = 'previrt: userland'
const FEATURE_WORDS = 22
const MINUTES = 60_000

/** The kernel's no-operations as a pattern over the bytes of a run. */
const NOPS = /^(?:\x90|\x89\xf6|\x8d\x76\0|\x3e?\x8d\x74\x26\0|\x8d\xb6\0{4}|\x3e?\x8d\xb4\x26\0{4})*$/s

function text(elf: ElfImage, image: Uint8Array): Uint8Array {
  const section = findSection(elf, '.text')!
  return image.subarray(section.offset, section.offset + section.bytes)
}

/** Runs of bytes in which two texts differ, widened over no-operations on both sides; those that are none on either. */
function realDifferences(ours: Uint8Array, theirs: Uint8Array, base: number): string[] {
  const found: string[] = []
  const isNops = (bytes: Uint8Array) => NOPS.test(Buffer.from(bytes).toString('latin1'))
  for (let at = 0; at < ours.length; at++) {
    if (ours[at] === theirs[at]) continue
    let equal = false
    for (let start = at; start > at - 16 && !equal; start--) {
      for (let end = at + 1; end < at + 32 && !equal; end++) {
        equal = isNops(ours.subarray(start, end)) && isNops(theirs.subarray(start, end))
        if (equal) at = end - 1
      }
    }
    if (!equal) found.push(`0x${(base + at).toString(16)}: ${ours[at]} for ${theirs[at]}`)
  }
  return found
}

async function textAfterBoot(elf: ElfImage, args: readonly string[]) {
  const machine = new QemuMachine(args)
  try {
    await machine.until(MARKER)
    const section = findSection(elf, '.text')!
    const capability = SymbolTable.fromElf(elf).address('boot_cpu_data')! - PAGE_OFFSET
    const after = await machine.memory(section.address - PAGE_OFFSET, section.bytes)
    return { after, cpuData: await machine.memory(capability, 256) }
  } finally {
    machine.stop()
  }
}

/** The feature words in struct cpuinfo_x86: found by word 0, which is CPUID's own. */
function guestFeatures(cpuData: Uint8Array, edx: number): Uint32Array {
  const view = new DataView(cpuData.buffer, cpuData.byteOffset, cpuData.byteLength)
  const words = Array.from({ length: cpuData.length >> 2 }, (_, i) => view.getUint32(i * 4, true))
  expect(words).toContain(edx)
  const at = words.indexOf(edx) * 4
  return Uint32Array.from({ length: FEATURE_WORDS }, (_, word) => view.getUint32(at + word * 4, true))
}

/** QEMU models by name with their CPUID.1 (EAX, EDX) after the features that are taken away. */
const MODELS = [
  ['pentium3', 'pentium3,-hypervisor,-pat', 0x673, 0x0382fbfd],
  [
    'a Pentium II without FXSR and SEP',
    'pentium2,-hypervisor,-apic,-sep,-fxsr,-pae,-pse,-pge,-mce,-mca,-mtrr,-vme,-de,-pat,-pse36',
    0x652,
    0x00808131,
  ],
] as const

check.each(MODELS)(
  'settled text is what the kernel makes of itself on %s',
  async (_, cpu, eax, edx) => {
    const elf = parseElf(vmlinux!, readFileSync(vmlinux!))
    const bzImage = join(dirname(vmlinux!), 'bzImage')
    const boot = ['-kernel', bzImage, '-initrd', initrd!, '-append', COMMAND_LINE, '-cpu', cpu]
    const { after, cpuData } = await textAfterBoot(elf, boot)
    const features = linuxFeatures(leaf => ({ eax: [2, eax][leaf] ?? 0, ebx: 0, ecx: 0, edx: leaf === 1 ? edx : 0 }))
    const theirs = guestFeatures(cpuData, edx)
    const settled = settleAlternatives(elf, features)
    for (const { feature } of settled.patched) {
      expect([feature, (theirs[feature >>> 5]! >>> (feature & 31)) & 1]).toEqual([feature, 1])
    }
    expect(settled.entries).toBeGreaterThan(500)
    expect(Buffer.compare(text(elf, elf.bytes), after)).not.toBe(0)
    expect(realDifferences(text(elf, settled.bytes), after, findSection(elf, '.text')!.address)).toEqual([])
  },
  2 * MINUTES,
)

check(
  'the settled image boots from our loader and changes none of its text',
  async () => {
    const elf = parseElf(vmlinux!, readFileSync(vmlinux!))
    const features = linuxFeatures(leaf => ({
      eax: [2, 0x673][leaf] ?? 0,
      ebx: 0,
      ecx: 0,
      edx: leaf === 1 ? 0x0382fbfd : 0,
    }))
    const settled = settleAlternatives(elf, features)
    const memory = physicalMemory(128 << 20)
    const { entry } = loadLinux(memory, {
      kernel: { file: vmlinux!, bytes: settled.bytes },
      initrd: { file: initrd!, bytes: readFileSync(initrd!) },
      commandLine: COMMAND_LINE,
    })
    const folder = mkdtempSync(join(tmpdir(), 'previrt-handover-'))
    const image = join(folder, 'image')
    writeFileSync(image, handover(memory.bytes, entry))
    const { after } = await textAfterBoot(elf, ['-kernel', image, '-cpu', 'pentium3,-hypervisor'])
    rmSync(folder, { recursive: true })
    expect(Buffer.compare(text(elf, settled.bytes), after)).toBe(0)
  },
  2 * MINUTES,
)
