// QEMU's spellings of options, rewritten to ours before anything is parsed, so that command lines carry over.

/** One word to our words; an array that ends with '' takes the next word as its value. */
const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  '-kernel': ['--kernel', ''],
  '-initrd': ['--initrd', ''],
  '-append': ['--append', ''],
  '-m': ['--mem', ''],
  '-cpu': ['--cpu', ''],
  '-serial': ['--serial', ''],
  '-s': ['--gdb', '1234'],
  '-S': ['--wait'],
  '-nographic': [],
  '-no-reboot': [],
}

/** `-serial mon:stdio` and `null` say what our words say otherwise. */
const SERIAL_VALUES: Readonly<Record<string, string>> = { 'mon:stdio': 'stdio', null: 'none' }

/**
 * The arguments with QEMU's spellings replaced. Values of options are left alone.
 * @param takesValue whether one of our own options takes the next word as its value
 */
export function rewriteQemuSpellings(words: readonly string[], takesValue: (option: string) => boolean): string[] {
  const rewritten: string[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word === '--') return [...rewritten, ...words.slice(i)]
    const ours = Object.hasOwn(SPELLINGS, word) ? SPELLINGS[word]! : [word]
    const hasValue = ours.at(-1) === '' || (ours[0] === word && takesValue(word))
    rewritten.push(...ours.filter(part => part !== ''))
    if (!hasValue || i + 1 >= words.length) continue
    const value = words[++i]!
    rewritten.push(ours[0] === '--serial' ? (SERIAL_VALUES[value] ?? value) : value)
  }
  return rewritten
}
