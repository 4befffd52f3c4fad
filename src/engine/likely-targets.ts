// Where an indirect jump or call may go: where it went last, and the labels of a switch or functions of a table that lie
// in its page, have been run, and to which no direct branch or return leads. A guess from decoded records; translated
// code compares before it follows one.

import { isDirectBranch } from '../isa/forms.js'
import type { CodeCache, CodePage } from './code-cache.js'
import * as R from './record.js'
import { formOf } from './slots.js'

interface Records {
  handler(record: number): number
  nextEip(record: number): number
}

/** At most `limit` offsets, the likeliest first; `last` is where the branch went last, or 0. */
export function likelyTargets(
  records: Records,
  cache: CodeCache,
  page: CodePage,
  last: number,
  limit: number,
): number[] {
  const { i32 } = cache.cpu
  const explained = new Set<number>()
  const heads: { eip: number; left: number }[] = []
  for (let offset = 0; offset < 0x1000; offset++) {
    const record = i32[(page.table >> 2) + offset]!
    if (record === 0) continue
    const handler = records.handler(record)
    if (handler < R.FIRST_SLOT) continue
    const left = i32[(record + R.COUNT) >> 2]!
    const eip = i32[(record + R.AT) >> 2]!
    if (left !== cache.records.threshold && eip !== last)
      heads.push({ eip, left: left > cache.records.threshold ? 0 : left })
    const form = formOf(handler)
    if (isDirectBranch(form)) explained.add(i32[(record + R.DISP) >> 2]!)
    if (form.mnemonic === 'call') explained.add(records.nextEip(record))
  }
  const labels = heads.filter(h => !explained.has(h.eip)).sort((x, y) => x.left - y.left || x.eip - y.eip)
  return [last, ...labels.slice(0, limit - 1).map(h => h.eip)]
}
