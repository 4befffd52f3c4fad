// Many random programs on trap and without it.

import { randomProgramsEndAsNatively } from './random-programs.js'

test('end equally', () => randomProgramsEndAsNatively(1000), 60 * 60_000)
