/** What running containers use, measured over a moment: the source of `top` and `stats`. */
import { setTimeout as delay } from 'node:timers/promises'
import { readUsage } from '../host/runtime/cgroup-usage.ts'
import type { RealHost } from './host.ts'
import { type ContainerRow, containerRows, type PsOptions } from './ps.ts'

export interface ContainerUsage {
  readonly row: ContainerRow
  /** Cores. */
  readonly cpu: number
  readonly memoryBytes: number
  readonly memoryLimitBytes?: number
  readonly processes: number
}

/** How long processor time is watched, in milliseconds. */
const SAMPLE_MS = 500

/** A container that ends meanwhile is left out. */
export async function measureUsage(
  host: RealHost,
  options: Pick<PsOptions, 'namespace' | 'selector'>,
  signal: AbortSignal,
): Promise<readonly ContainerUsage[]> {
  const rows = containerRows(host, options).filter(row => row.state === 'running')
  const pathOf = (row: ContainerRow) => `${host.cgroupPath(row.podUid)}/${row.id}`
  const before = new Map(rows.map(row => [row, { at: performance.now(), usage: readUsage(pathOf(row)) }]))
  await delay(SAMPLE_MS, undefined, { signal })
  return rows.flatMap(row => {
    const first = before.get(row)
    const usage = readUsage(pathOf(row))
    if (usage === undefined || first?.usage === undefined) return []
    const nanos = (performance.now() - first.at) * 1e6
    const { cpuNanos, ...rest } = usage
    return [{ row, cpu: Math.max(0, (cpuNanos - first.usage.cpuNanos) / nanos), ...rest }]
  })
}
