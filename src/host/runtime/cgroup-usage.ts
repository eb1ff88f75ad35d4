/** What the processes of a cgroup use. Source: cgroups(7), kernel documentation cgroup-v1/ and cgroup-v2. */
import { readFileSync } from 'node:fs'
import { cgroupVersion } from './cgroups.ts'

export interface Usage {
  /** Processor time so far, in nanoseconds. */
  readonly cpuNanos: number
  /** Without file pages that nobody has used lately: the working set, as Kubernetes counts. */
  readonly memoryBytes: number
  /** Absent: unlimited. */
  readonly memoryLimitBytes?: number
  readonly processes: number
}

const ROOT = '/sys/fs/cgroup'
/** What version 1 says of a cgroup without a limit: the largest number of pages. */
const NO_LIMIT = 2 ** 62

/** Of a path below the hierarchies' root; undefined when it is not there. */
export function readUsage(path: string): Usage | undefined {
  return cgroupVersion() === 2 ? readUnified(`${ROOT}${path}`) : readSeparate(path)
}

function readUnified(directory: string): Usage | undefined {
  const current = numberIn(`${directory}/memory.current`)
  if (current === undefined) return undefined
  const limit = numberIn(`${directory}/memory.max`)
  return {
    cpuNanos: 1000 * (fieldOf(`${directory}/cpu.stat`, 'usage_usec') ?? 0),
    memoryBytes: Math.max(0, current - (fieldOf(`${directory}/memory.stat`, 'inactive_file') ?? 0)),
    ...(limit === undefined ? {} : { memoryLimitBytes: limit }),
    processes: numberIn(`${directory}/pids.current`) ?? 0,
  }
}

function readSeparate(path: string): Usage | undefined {
  const memory = `${ROOT}/memory${path}`
  const current = numberIn(`${memory}/memory.usage_in_bytes`)
  if (current === undefined) return undefined
  const limit = numberIn(`${memory}/memory.limit_in_bytes`) ?? NO_LIMIT
  return {
    cpuNanos: numberIn(`${ROOT}/cpuacct${path}/cpuacct.usage`) ?? 0,
    memoryBytes: Math.max(0, current - (fieldOf(`${memory}/memory.stat`, 'total_inactive_file') ?? 0)),
    ...(limit >= NO_LIMIT ? {} : { memoryLimitBytes: limit }),
    processes: numberIn(`${ROOT}/pids${path}/pids.current`) ?? 0,
  }
}

/**
 * Whether the kernel has killed a process of it for want of memory. Only with version 2, where it counts them in the cgroup
 * itself; with version 1 monitors are told without fail.
 */
export function hasRunOutOfMemory(path: string): boolean {
  return cgroupVersion() === 2 && (fieldOf(`${ROOT}${path}/memory.events`, 'oom_kill') ?? 0) > 0
}

function fieldOf(file: string, name: string): number | undefined {
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(readText(file))?.[1]
  return value === undefined ? undefined : Number(value)
}

function numberIn(file: string): number | undefined {
  const text = readText(file).trim()
  return /^\d+$/.test(text) ? Number(text) : undefined
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
