// What annotation costs a kernel that runs natively: growth of its text, and instructions that it retires in
// a boot, up to the first line that /init prints. Both kernels take the same devices and the same virtual clock; what
// they wait for takes the same time, and so the same number of instructions, in both.
import { readFileSync } from 'node:fs'
import { buildImage, DEFAULT_COMMAND_LINE, type Image, type Progress } from '../images/index.js'
import { compareImages } from '../src/afterburner/inspect/against.js'
import { cpuModel } from '../src/cpu/models.js'
import { loadLinux } from '../src/loader/linux.js'
import { enter } from '../src/machine/entry.js'
import { Machine } from '../src/machine/machine.js'

/** A figure of both kernels. */
export interface Growth {
  readonly plain: number
  readonly annotated: number
  /** How much more the annotated one has. */
  readonly percent: number
}

export interface AnnotationReport {
  readonly schemaVersion: 1
  readonly image: string
  readonly textBytes: Growth
  /** The kernel's, by CPU model. */
  readonly bootInstructions: Readonly<Record<string, Growth>>
}

const MODELS = ['pentium3', 'previrt-guest']
const MEMORY_BYTES = 128 << 20
const BUDGET = 2_000_000_000
const USERLAND = 'previrt: userland'

function growth(plain: number, annotated: number): Growth {
  return { plain, annotated, percent: (annotated / plain - 1) * 100 }
}

/**
 * Instructions of the kernel from the entry to the first marker.
 * @throws when the guest does not come so far
 */
function bootInstructions(image: Image, model: string): number {
  const read = (file: string) => ({ file, bytes: new Uint8Array(readFileSync(file)) })
  const machine = new Machine({ memory: MEMORY_BYTES, model: cpuModel(model), engine: 'blocks' })
  let line = ''
  let reached: number | undefined
  machine.onConsole = byte => {
    line = byte === 0x0a ? '' : line + String.fromCharCode(byte)
    if (line !== USERLAND) return
    reached ??= machine.instructionsBy.kernel
    machine.stop()
  }
  const guest = { kernel: read(image.path), initrd: read(image.initrd), commandLine: DEFAULT_COMMAND_LINE }
  enter(machine.cpu, loadLinux(machine.memory, guest).entry)
  machine.run(BUDGET)
  if (reached === undefined) throw new Error(`${image.path} does not boot; run: previrt run --kernel ${image.path}`)
  return reached
}

/** Measures an image of Linux by name, and builds what is not built. */
export async function measureAnnotation(name: string, onImageProgress?: Progress): Promise<AnnotationReport> {
  const options = onImageProgress && { onProgress: onImageProgress }
  const annotated = await buildImage(name, { ...options })
  const plain = await buildImage(name, { ...options, plain: true })
  const read = (image: Image) => readFileSync(image.path)
  const text = compareImages(annotated.path, read(annotated), plain.path, read(plain))
  return {
    schemaVersion: 1,
    image: name,
    textBytes: growth(text.plainTextBytes, text.annotatedTextBytes),
    bootInstructions: Object.fromEntries(
      MODELS.map(model => [model, growth(bootInstructions(plain, model), bootInstructions(annotated, model))]),
    ),
  }
}

/** Text of a report, without a newline at its end. */
export function formatAnnotation(report: AnnotationReport): string {
  const row = (title: string, { plain, annotated, percent }: Growth) =>
    `${title.padEnd(42)}${String(plain).padStart(12)}${String(annotated).padStart(12)}${percent.toFixed(3).padStart(10)} %`
  return [
    `${report.image.padEnd(42)}${'plain'.padStart(12)}${'annotated'.padStart(12)}${'growth'.padStart(12)}`,
    row('text, bytes', report.textBytes),
    ...Object.entries(report.bootInstructions).map(([model, each]) =>
      row(`boot, kernel instructions (${model})`, each),
    ),
  ].join('\n')
}
