// The mini guest on trap with timer interrupts at many other moments: always what native has. SEED=n repeats a draw.

import { momentsAgree } from './mini.js'

test('200 moments of timer interrupts', () => momentsAgree(200), 20 * 60_000)
