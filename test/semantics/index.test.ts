// Every operand form of the decoder's tables has a meaning, and every meaning belongs to a form.
import { forms } from '../../src/isa/forms.js'
import { semantics } from '../../src/semantics/index.js'

const mnemonics = [...new Set(forms.map(form => form.mnemonic))]

test('every form has semantics', () => {
  expect(mnemonics.filter(name => semantics[name] === undefined)).toEqual([])
})

test('every semantics belongs to a form', () => {
  expect(Object.keys(semantics).filter(name => !mnemonics.includes(name))).toEqual([])
})
