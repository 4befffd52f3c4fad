// Random programs with page faults, code that changes itself and timer interrupts, on trap and without it.

import { randomProgramsEndAsNatively } from './random-programs.js'

test('end equally', () => randomProgramsEndAsNatively(20), 5 * 60_000)
