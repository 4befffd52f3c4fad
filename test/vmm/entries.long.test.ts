// How often the hypervisor is entered for one event, each kind 10,000 times: entries/measure.ts.
import { measureLinux } from './entries/measure.js'

const EVENTS = 10_000

test('Linux on Xen 4.17: entries for each event', () => measureLinux(EVENTS, EVENTS), 1_200_000)
