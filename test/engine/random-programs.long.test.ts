// The random programs of random-programs.test.ts in larger numbers.
import { randomProgramsAgree } from '../drivers/random-lockstep.js'

const MINUTES = 60_000

test('engines agree on 3000 random programs', () => randomProgramsAgree(3000), 60 * MINUTES)
