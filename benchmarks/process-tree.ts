// CPU time and resident memory of a process and its descendants, all threads, from proc(5). The kernel
// counts in /proc/PID/stat in ticks of 10 ms, dead threads included, and in /proc/PID/task/TID/schedstat in
// nanoseconds, living threads only; the finer figure is used within the bounds that the coarser one sets.
import { readdirSync, readFileSync } from 'node:fs'

/** Ticks of /proc/PID/stat in a second (USER_HZ, the same on every Linux that Node runs on). */
const TICKS_PER_SECOND = 100
const NANOSECONDS = 1e9
// Fields of /proc/PID/stat behind the command's closing parenthesis: proc(5) numbers minus 3.
const STAT_PARENT = 1
const STAT_USER_TICKS = 11
const STAT_WAITED_USER_TICKS = 13
const STAT_WAITED_SYSTEM_TICKS = 14

function readStat(pid: string): number[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
  } catch {
    return undefined
  }
}

/** Seconds that living threads have run, in nanosecond steps. */
function threadSeconds(pid: string): number {
  let nanoseconds = 0
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
    }
  } catch {
    return nanoseconds / NANOSECONDS
  }
  return nanoseconds / NANOSECONDS
}

/** The process and its living descendants. */
function treeOf(root: number): Map<string, number[]> {
  const stats = new Map<string, number[]>()
  for (const entry of readdirSync('/proc')) {
    const stat = /^\d+$/.test(entry) ? readStat(entry) : undefined
    if (stat !== undefined) stats.set(entry, stat)
  }
  const tree = new Map<string, number[]>()
  const add = (pid: string) => {
    const stat = stats.get(pid)
    if (stat === undefined || tree.has(pid)) return
    tree.set(pid, stat)
    for (const [child, childStat] of stats) if (childStat[STAT_PARENT] === Number(pid)) add(child)
  }
  add(String(root))
  return tree
}

/**
 * CPU seconds (user and system) of the tree since its start, children that were waited for included.
 * @param root process ID
 * @returns 0 when the process is gone
 */
export function cpuSecondsOfTree(root: number): number {
  let seconds = 0
  for (const [pid, stat] of treeOf(root)) {
    const [user, system, waitedUser, waitedSystem] = stat.slice(STAT_USER_TICKS, STAT_WAITED_SYSTEM_TICKS + 1)
    const lower = (user! + system!) / TICKS_PER_SECOND
    const upper = (user! + system! + 2) / TICKS_PER_SECOND
    seconds += Math.min(Math.max(threadSeconds(pid), lower), upper) + (waitedUser! + waitedSystem!) / TICKS_PER_SECOND
  }
  return seconds
}

/** CPU seconds, in steps of 10 ms, of the children of this very process that have ended, with their descendants. */
export function endedChildrenCpuSeconds(): number {
  const stat = readStat('self') ?? []
  return ((stat[STAT_WAITED_USER_TICKS] ?? 0) + (stat[STAT_WAITED_SYSTEM_TICKS] ?? 0)) / TICKS_PER_SECOND
}

/** The largest resident sizes that the living processes of the tree have had, added up, in bytes. */
export function peakResidentBytesOfTree(root: number): number {
  let bytes = 0
  for (const pid of treeOf(root).keys()) {
    try {
      const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
      bytes += Number(peak?.[1] ?? 0) * 1024
    } catch {
      bytes += 0
    }
  }
  return bytes
}
