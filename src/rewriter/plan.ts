// What would be written at each site of an annotated image: a pure function of the image and of what the VMM lends. The
// image is one whose alternatives are settled; its own bytes are the pristine state that rewriting needs and undo restores.
import { CALL_BYTES, RECORD_SECTION } from '../isa/sensitive.js'
import { RecordError, readSiteTable, type Site, type SiteTable } from '../isa/sites.js'
import {
  DIRECT_BYTES,
  DIRECT_OPERATIONS,
  FORM_BYTES,
  FUSED_OPERATIONS,
  OPERATIONS,
  type Substitution,
  substitutionOf,
} from '../isa/substitutions.js'
import {
  type ElfImage,
  type ElfSection,
  type ElfSegment,
  findSection,
  PT_LOAD,
  SHF_EXECINSTR,
  SHT_NOBITS,
  sectionBytes,
} from '../loader/elf.js'
import { LoadError } from '../loader/load-error.js'
import { inlineOperation } from './inline.js'
import { decodeOperand, encodeOperand, NONE, noOperand, OPERAND_16, OPERAND_BYTES, type Operand } from './operand.js'
import { OPERAND_LIMIT, VECTOR_PAGE } from './virtual-cpu.js'

/** What a VMM does for its guest beside the operations. */
export interface RewriteTarget {
  /** The guest's FPU instructions work on the real FPU: their sites stay as they are. */
  readonly fpu: 'real' | 'image'
}

/** A range of text in guest-physical memory, in both of its states. */
export class PlannedText {
  private made: readonly Site[] | undefined

  constructor(
    readonly linear: number,
    readonly physical: number,
    readonly pristine: Uint8Array,
    readonly rewritten: Uint8Array,
    private readonly table: SiteTable,
    /** Numbers of the sites that are rewritten, ascending. */
    private readonly numbers: readonly number[],
  ) {}

  get bytes(): number {
    return this.pristine.length
  }
  /** How many sites are rewritten. */
  get count(): number {
    return this.numbers.length
  }
  /** Those sites, ascending. */
  get sites(): readonly Site[] {
    this.made ??= this.numbers.map(n => this.table.site(n))
    return this.made
  }
  /** Offsets between which the two states differ. */
  get range(): readonly [start: number, end: number] {
    const { table, numbers, linear } = this
    if (numbers.length === 0) return [0, 0]
    const last = numbers.at(-1)!
    return [table.address(numbers[0]!) - linear, table.address(last) + table.bytes(last) - linear]
  }
}

/** A site that stays as it is, and why. */
export interface LeftSite {
  readonly site: Site
  readonly reason: 'fpu' | 'operand' | 'operands exhausted'
}

export interface RewritePlan {
  readonly text: readonly PlannedText[]
  readonly left: readonly LeftSite[]
  /** Content of the VMM's operand table (virtual-cpu.ts, OPERAND_TABLE). */
  readonly operands: Uint8Array
}

const CALL = [0xff, 0x15]
const DS_OVERRIDE = 0x3e
const HLT = 0xf4
const BREAKPOINT = 0xcc
const SHORT_OPERANDS = 256

/** Numbers the operands: equal ones share an entry. */
class OperandTable {
  private readonly numbers = new Map<string, number>()
  private readonly entries: Operand[] = []

  number(operand: Operand, limit: number): number | undefined {
    const { siteBytes, instructionBytes, flags, reg, rm, base, index, scale, opcode, selector } = operand
    const form = `${siteBytes},${instructionBytes},${flags},${reg},${rm},${base},${index},${scale},${opcode},${selector}`
    const key = `${form},${operand.displacement},${operand.immediate}`
    const known = this.numbers.get(key)
    if (known !== undefined && known < limit) return known
    if (this.entries.length >= limit) return undefined
    this.numbers.set(key, this.entries.length)
    return this.entries.push(operand) - 1
  }
  get bytes(): Uint8Array {
    const table = new Uint8Array(this.entries.length * OPERAND_BYTES)
    this.entries.forEach((entry, i) => {
      table.set(encodeOperand(entry), i * OPERAND_BYTES)
    })
    return table
  }
}

const VECTORS = new Map(
  [...OPERATIONS, ...DIRECT_OPERATIONS.map(({ name }) => name)].map((name, number) => [name, VECTOR_PAGE + 4 * number]),
)

/** The vector of the operation with this very operand, where there is one. */
function directVector(operation: string, { siteBytes, flags, reg, rm }: Operand): number | undefined {
  if (siteBytes !== DIRECT_BYTES || (flags & OPERAND_16) !== 0) return undefined
  const found = DIRECT_OPERATIONS.find(
    each => each.operation === operation && (each.segment ?? NONE) === reg && (each.register ?? NONE) === rm,
  )
  return found && VECTORS.get(found.name)
}

function operationOf(substitution: Substitution, site: Site, pristine: Uint8Array): string {
  if (!site.fused) return substitution.operation
  return pristine[site.instructionBytes - 1] === HLT ? FUSED_OPERATIONS.hlt : FUSED_OPERATIONS.other
}

/** An instruction of at most `bytes` bytes, made exactly as long by redundant prefixes. */
function fill(instruction: readonly number[], bytes: number): Uint8Array {
  const filled = new Uint8Array(bytes).fill(DS_OVERRIDE)
  filled.set(instruction, bytes - instruction.length)
  return filled
}

function callThrough(vector: number): number[] {
  return [...CALL, ...[0, 8, 16, 24].map(shift => (vector >>> shift) & 0xff)]
}

/** A call through the operation's vector, with the operand's number behind it. */
function transfer(site: Site, vector: number, number?: number): Uint8Array {
  // Nothing is executed behind the call: control goes from it to the end of the site.
  const bytes = new Uint8Array(site.bytes).fill(BREAKPOINT)
  bytes.set(callThrough(vector))
  if (number !== undefined) bytes[CALL_BYTES] = number & 0xff
  if (number !== undefined && site.bytes > CALL_BYTES + 1) bytes[CALL_BYTES + 1] = number >> 8
  return bytes
}

/** The longest instruction that prefixes can fill up to. */
const INSTRUCTION_LIMIT = 15

/** What becomes of a site: its new bytes, or why it stays. */
type Outcome = Uint8Array | LeftSite['reason']

function planSite(site: Site, pristine: Uint8Array, target: RewriteTarget, table: OperandTable): Outcome {
  const substitution = substitutionOf(site.class.number)
  if (substitution.fpu && target.fpu === 'real') return 'fpu'
  const operand =
    decodeOperand(pristine, site.instructionBytes, site.bytes) ??
    (substitution.operation === 'undefined' ? noOperand(site.instructionBytes, site.bytes) : undefined)
  if (operand === undefined) return 'operand'
  if (substitution.inline && site.bytes <= INSTRUCTION_LIMIT) {
    const instruction = inlineOperation(substitution.inline, operand)
    if (instruction) return fill(instruction, site.bytes)
  }
  const operation = operationOf(substitution, site, pristine)
  const direct = directVector(operation, operand)
  if (direct !== undefined) return fill(callThrough(direct), site.bytes)
  const vector = VECTORS.get(operation)!
  if (substitution.form === 'leave') {
    const plain = (operand.flags & OPERAND_16) === 0 && operand.immediate === 0
    return plain ? transfer(site, vector) : 'operand'
  }
  if (site.bytes < FORM_BYTES[substitution.form]) return 'operand'
  const number = table.number(operand, substitution.form === 'call-short' ? SHORT_OPERANDS : OPERAND_LIMIT)
  return number === undefined ? 'operands exhausted' : transfer(site, vector, number)
}

/** A site that was planned, and where it lies in the image. */
interface Known {
  readonly n: number
  readonly at: number
  readonly outcome: Outcome
}

/** Outcomes by what they depend on: most sites of a kernel are like another. */
class Outcomes {
  private readonly known = new Map<number, Known[]>()

  constructor(
    private readonly image: Uint8Array,
    private readonly sites: SiteTable,
    private readonly plan: (site: Site, pristine: Uint8Array) => Outcome,
  ) {}

  /** @param at offset of site n in the image */
  of(n: number, at: number): Outcome {
    const { image, sites, known } = this
    const shape = sites.shape(n)
    const bytes = sites.instructionBytes(n)
    let hash = shape
    for (let i = 0; i < bytes; i++) hash = Math.imul(hash ^ image[at + i]!, HASH_FACTOR)
    const alike = known.get(hash)
    if (alike !== undefined)
      for (const each of alike) if (sites.shape(each.n) === shape && this.equal(at, each.at, bytes)) return each.outcome
    const outcome = this.plan(sites.site(n), image.subarray(at, at + sites.bytes(n)))
    if (alike === undefined) known.set(hash, [{ n, at, outcome }])
    else alike.push({ n, at, outcome })
    return outcome
  }
  private equal(a: number, b: number, bytes: number): boolean {
    for (let i = 0; i < bytes; i++) if (this.image[a + i] !== this.image[b + i]) return false
    return true
  }
}
/** FNV's prime. */
const HASH_FACTOR = 16777619

function readRecords(elf: ElfImage, code: readonly ElfSection[]): SiteTable {
  const section = findSection(elf, RECORD_SECTION)
  const remedy = 'build it with the afterburner as its assembler'
  if (section === undefined || section.bytes === 0)
    throw new LoadError({ file: elf.file, reason: `no records (section ${RECORD_SECTION})`, remedy })
  try {
    return readSiteTable(
      sectionBytes(elf, section),
      code.map(each => ({ start: each.address, end: each.address + each.bytes })),
    )
  } catch (error) {
    if (!(error instanceof RecordError)) throw error
    throw new LoadError({ file: elf.file, offset: section.offset + error.offset, reason: error.message, remedy })
  }
}

function segmentOf(elf: ElfImage, section: ElfSection): ElfSegment {
  const { address, offset } = section
  const found = elf.segments.find(
    each => each.type === PT_LOAD && address >= each.linear && address < each.linear + each.fileBytes,
  )
  if (found) return found
  const reason = `the text in ${section.name} is in no segment that is loaded`
  throw new LoadError({ file: elf.file, offset, reason, remedy: 'link the image again' })
}

/**
 * Plans the rewriting of an image.
 * @param elf an annotated image, settled
 * @throws LoadError for an image without sound records, or with text that no segment loads
 */
export function planRewrite(elf: ElfImage, target: RewriteTarget): RewritePlan {
  const code = elf.sections
    .filter(each => (each.flags & SHF_EXECINSTR) !== 0 && each.type !== SHT_NOBITS && each.bytes > 0)
    .sort((a, b) => a.address - b.address)
  const sites = readRecords(elf, code)
  const table = new OperandTable()
  numberShortOperands(elf, code, sites, table)
  const outcomes = new Outcomes(elf.bytes, sites, (site, pristine) => planSite(site, pristine, target, table))
  const left: LeftSite[] = []
  let n = 0
  const text = code.map(section => {
    const { address: linear, offset, bytes } = section
    const segment = segmentOf(elf, section)
    const pristine = elf.bytes.subarray(offset, offset + bytes)
    const rewritten = new Uint8Array(pristine)
    const numbers: number[] = []
    for (; n < sites.count; n++) {
      const start = sites.address(n) - linear
      if (start >= bytes) break
      const outcome = outcomes.of(n, offset + start)
      if (typeof outcome === 'string') left.push({ site: sites.site(n), reason: outcome })
      else {
        for (let i = 0; i < outcome.length; i++) rewritten[start + i] = outcome[i]!
        numbers.push(n)
      }
    }
    return new PlannedText(linear, linear + segment.physical - segment.linear, pristine, rewritten, sites, numbers)
  })
  return { text, left, operands: table.bytes }
}

/** Operands whose numbers have one byte only take the first ones. */
function numberShortOperands(elf: ElfImage, code: readonly ElfSection[], sites: SiteTable, table: OperandTable) {
  for (let n = 0; n < sites.count; n++) {
    if (substitutionOf(sites.classNumber(n)).form !== 'call-short') continue
    const address = sites.address(n)
    const section = code.find(each => address >= each.address && address < each.address + each.bytes)!
    const at = section.offset + address - section.address
    const operand = decodeOperand(
      elf.bytes.subarray(at, at + sites.bytes(n)),
      sites.instructionBytes(n),
      sites.bytes(n),
    )
    if (operand) table.number(operand, SHORT_OPERANDS)
  }
}
