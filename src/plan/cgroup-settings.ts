/** Limits as the files of a cgroup: what the engine writes for the pod's own cgroup, the parent of its containers'. */
import type { ResourcePlan } from './types.ts'

/** A file of a hierarchy and what to write into it; of version 1 the path begins with the controller: `memory/...`. */
export interface CgroupSetting {
  readonly controller: 'cpu' | 'memory' | 'pids' | 'hugetlb' | 'cpuset'
  readonly file: string
  readonly value: string
}

/** In the order in which they must be written. Source: Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/. */
export function cgroupSettings(plan: ResourcePlan, version: 1 | 2): readonly CgroupSetting[] {
  return version === 2 ? settingsV2(plan) : settingsV1(plan)
}

const DEFAULT_PERIOD_US = 100_000

function settingsV2(plan: ResourcePlan): readonly CgroupSetting[] {
  const period = plan.cpuPeriodUs ?? DEFAULT_PERIOD_US
  return [
    { controller: 'cpu', file: 'cpu.weight', value: String(cpuWeight(plan.cpuShares)) },
    ...setting('cpu', 'cpu.max', plan.cpuQuotaUs === undefined ? undefined : `${plan.cpuQuotaUs} ${period}`),
    ...setting('memory', 'memory.max', plan.memoryBytes),
    ...setting('memory', 'memory.low', plan.memoryRequestBytes > 0 ? plan.memoryRequestBytes : undefined),
    ...setting('pids', 'pids.max', plan.pidsLimit),
    ...hugepages(plan, size => `hugetlb.${size}.max`),
  ]
}

function settingsV1(plan: ResourcePlan): readonly CgroupSetting[] {
  return [
    { controller: 'cpu', file: 'cpu.shares', value: String(plan.cpuShares) },
    ...setting('cpu', 'cpu.cfs_period_us', plan.cpuPeriodUs),
    ...setting('cpu', 'cpu.cfs_quota_us', plan.cpuQuotaUs),
    ...setting('memory', 'memory.limit_in_bytes', plan.memoryBytes),
    ...setting('pids', 'pids.max', plan.pidsLimit),
    ...hugepages(plan, size => `hugetlb.${size}.limit_in_bytes`),
  ]
}

function setting(
  controller: CgroupSetting['controller'],
  file: string,
  value: number | string | undefined,
): readonly CgroupSetting[] {
  return value === undefined ? [] : [{ controller, file, value: String(value) }]
}

function hugepages(plan: ResourcePlan, file: (size: string) => string): readonly CgroupSetting[] {
  return Object.entries(plan.hugepages).map(([size, limit]) => ({
    controller: 'hugetlb' as const,
    file: file(size),
    value: String(limit),
  }))
}

/** 2..262144 to 1..10000, as runc and crun convert it. */
function cpuWeight(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142)
}
