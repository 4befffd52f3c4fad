// Is every sensitive instruction a site, and every site a sensitive instruction? A linear disassembly from symbol to
// symbol, made without looking at the records, is compared with them.
import { type DisassembledInstruction, disassembleLinear } from '../../isa/disassemble.js'
import type { SensitiveClass } from '../../isa/sensitive.js'
import type { Site } from '../../isa/sites.js'
import { type ElfSection, sectionBytes } from '../../loader/elf.js'
import { type InspectedImage, siteAtOrBelow } from './image.js'

/** A sensitive instruction that lies in no site. */
export interface Uncovered {
  readonly address: number
  readonly class: SensitiveClass
}

/** A record that does not describe what is there. */
export interface StrayRecord {
  readonly site: Site
  readonly reason: string
}

/** What the disassembly found. */
export interface Coverage {
  readonly instructions: number
  /** Bytes that are no instruction. */
  readonly invalidBytes: number
  readonly uncovered: readonly Uncovered[]
  readonly strays: readonly StrayRecord[]
  /** Targets of near branches and calls, with the address of one branch to each. */
  readonly targets: ReadonlyMap<number, number>
}

/** Where the linear disassembly of a section starts anew. */
function starts(image: InspectedImage, section: ElfSection): number[] {
  const inside = image.symbols.filter(symbol => symbol.section === section.index).map(symbol => symbol.address)
  const end = section.address + section.bytes
  return [...new Set([section.address, ...inside])]
    .filter(at => at >= section.address && at < end)
    .sort((a, b) => a - b)
}

/** Calls `visit` for every instruction of the image's code. */
function disassembleImage(image: InspectedImage, visit: (instruction: DisassembledInstruction) => void): void {
  for (const section of image.code) {
    const bytes = sectionBytes(image.elf, section)
    const from = starts(image, section)
    for (const [i, start] of from.entries()) {
      const end = from[i + 1] ?? section.address + section.bytes
      disassembleLinear(bytes.subarray(start - section.address, end - section.address), start, visit)
    }
  }
}

/** Follows the instructions of one site and says what is wrong with them. */
class SiteCheck {
  private next: number
  private first = true
  private failure: string | undefined

  constructor(private readonly site: Site) {
    this.next = site.address
  }

  take(instruction: DisassembledInstruction): void {
    if (instruction.address !== this.next) this.fail('an instruction does not start where the one before ends')
    this.next = instruction.address + instruction.length
    const inner = this.site.address + this.site.instructionBytes
    if (instruction.address >= inner) {
      if (!instruction.doesNothing) this.fail('the padding does something')
    } else if (this.first) {
      this.checkFirst(instruction)
    } else if (!this.site.fused || instruction.sensitive === undefined) {
      this.fail('a second instruction lies before the padding')
    }
    if (instruction.address < inner && this.next > inner) this.fail('the instruction is longer than the record says')
    this.first = false
  }

  private checkFirst(instruction: DisassembledInstruction): void {
    const found = instruction.sensitive
    if (this.site.declared) {
      if (instruction.invalid) this.fail('no instruction is there')
    } else if (this.site.fused) {
      if (found?.name !== 'sti') this.fail('no STI is there')
    } else if (found !== this.site.class) {
      this.fail(`the instruction there is ${found === undefined ? 'not sensitive' : `of class ${found.name}`}`)
    }
  }

  private fail(reason: string): void {
    this.failure ??= reason
  }

  finish(): StrayRecord | undefined {
    if (this.first) this.fail('no instruction starts there')
    else if (this.next !== this.site.address + this.site.bytes) this.fail('the padding does not end with the site')
    return this.failure === undefined ? undefined : { site: this.site, reason: this.failure }
  }
}

/** Compares the image's records with an independent disassembly of all its code. */
export function checkCoverage(image: InspectedImage): Coverage {
  const { sites } = image
  const checks = sites.map(site => new SiteCheck(site))
  const uncovered: Uncovered[] = []
  const targets = new Map<number, number>()
  let instructions = 0
  let invalidBytes = 0
  disassembleImage(image, instruction => {
    instructions++
    if (instruction.invalid) invalidBytes++
    if (instruction.target !== undefined) targets.set(instruction.target, instruction.address)
    const index = siteAtOrBelow(sites, instruction.address)
    const site = sites[index]
    const inside = site !== undefined && instruction.address < site.address + site.bytes
    if (inside) checks[index]!.take(instruction)
    else if (instruction.sensitive !== undefined) {
      uncovered.push({ address: instruction.address, class: instruction.sensitive })
    }
  })
  const strays = checks.map(check => check.finish()).filter(stray => stray !== undefined)
  return { instructions, invalidBytes, uncovered, strays, targets }
}
