// Random programs on all engines in lockstep: equal states after every slice, with translated code, code that changes
// itself, page faults and timer interrupts at exact counts.
import { randomProgramsAgree } from '../drivers/random-lockstep.js'

const MINUTES = 60_000

test('engines agree on random programs', () => randomProgramsAgree(30), 5 * MINUTES)
