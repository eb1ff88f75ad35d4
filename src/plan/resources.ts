/** Requests and limits as the kubelet turns them into cgroup settings, QoS class and oom_score_adj. */
import type { V1Container, V1Pod, V1ResourceRequirements } from '@kubernetes/client-node'
import { milliAmount, wholeAmount } from './amount.ts'
import type { MemberPlan, PodPlan, QosClass, ResourcePlan } from './types.ts'

/** Smallest and largest weight that cgroup v1 knows. Source: k8s.io/kubernetes/pkg/kubelet/cm. */
const MIN_SHARES = 2
const MAX_SHARES = 262_144

const PERIOD_US = 100_000
/** The kernel refuses a smaller quota. */
const MIN_QUOTA_US = 1000
/** The kernel refuses one above 2^44-1; this one is ten million CPUs. Source: kernel/sched/core.c, max_cfs_runtime. */
const MAX_QUOTA_US = 1e12

/**
 * The cgroup settings of one container. Without a CPU request, the limit counts as one. `podLimits` hold where the
 * container has none of its own. Source: kubelet's generateLinuxContainerResources.
 */
export function planResources(
  resources: V1ResourceRequirements | undefined,
  podLimits: Readonly<Record<string, string>> = {},
): ResourcePlan {
  const requests = resources?.requests ?? {}
  const own = resources?.limits ?? {}
  const limits = { ...own, cpu: own.cpu ?? podLimits.cpu, memory: own.memory ?? podLimits.memory }
  const cpuLimit = milliAmount(limits.cpu)
  const memoryLimit = wholeAmount(limits.memory)
  const disk = wholeAmount(own['ephemeral-storage'])
  return {
    cpuShares: sharesOf(milliAmount(requests.cpu ?? limits.cpu)),
    ...(cpuLimit > 0 ? { cpuQuotaUs: quotaOf(cpuLimit), cpuPeriodUs: PERIOD_US } : {}),
    ...(memoryLimit > 0 ? { memoryBytes: memoryLimit } : {}),
    memoryRequestBytes: wholeAmount(requests.memory ?? own.memory),
    ...(disk > 0 ? { ephemeralStorageBytes: disk } : {}),
    hugepages: hugepagesOf(own),
  }
}

/** Weight of so many milli-CPUs: 1024 for one CPU. */
export function sharesOf(milliCpus: number): number {
  return Math.min(Math.max(Math.floor((milliCpus * 1024) / 1000), MIN_SHARES), MAX_SHARES)
}

function quotaOf(milliCpus: number): number {
  return Math.min(Math.max(Math.floor((milliCpus * PERIOD_US) / 1000), MIN_QUOTA_US), MAX_QUOTA_US)
}

const HUGEPAGES = 'hugepages-'

/** `hugepages-2Mi: 4Mi` as the kernel names its page sizes: `{ '2MB': 4194304 }`. */
function hugepagesOf(limits: Readonly<Record<string, string>>): Readonly<Record<string, number>> {
  const pages: Record<string, number> = {}
  for (const [name, quantity] of Object.entries(limits)) {
    if (name.startsWith(HUGEPAGES)) pages[pageSizeName(name.slice(HUGEPAGES.length))] = wholeAmount(quantity)
  }
  return pages
}

function pageSizeName(size: string): string {
  let bytes = wholeAmount(size)
  let unit = 0
  while (bytes >= 1024 && unit < 3) {
    bytes /= 1024
    unit++
  }
  return `${bytes}${['B', 'KB', 'MB', 'GB'][unit]}`
}

/** Every container of a pod, init containers first. */
export function allContainers(pod: V1Pod): readonly V1Container[] {
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]
}

/**
 * Guaranteed when every container limits CPU and memory and asks for just as much; BestEffort when none asks for
 * anything; else Burstable. With resources of the pod itself, only those count.
 */
export function qosClassOf(pod: V1Pod): QosClass {
  const own = pod.spec?.resources
  const all = own && hasAny(own) ? [own] : allContainers(pod).map(container => container.resources ?? {})
  if (!all.some(hasAny)) return 'BestEffort'
  return all.every(isGuaranteed) ? 'Guaranteed' : 'Burstable'
}

const COUNTED = ['cpu', 'memory'] as const

function hasAny(resources: V1ResourceRequirements): boolean {
  return COUNTED.some(name => milliAmount(resources.requests?.[name]) > 0 || milliAmount(resources.limits?.[name]) > 0)
}

function isGuaranteed(resources: V1ResourceRequirements): boolean {
  return COUNTED.every(name => {
    const limit = milliAmount(resources.limits?.[name])
    return limit > 0 && milliAmount(resources.requests?.[name] ?? resources.limits?.[name]) === limit
  })
}

/**
 * The limits of a pod's own cgroup: what the pod itself says, else the sum over its containers where all of them have
 * a limit. Init containers run one after the other, so that the largest counts; sidecars go on running beside the rest.
 * Source: k8s.io/component-helpers/resource.PodRequests and PodLimits.
 */
export function planPodResources(pod: V1Pod): ResourcePlan {
  const requests = podTotals(pod, 'requests')
  const limits = podTotals(pod, 'limits')
  const own = pod.spec?.resources
  const everyHas = (name: string) => allContainers(pod).every(container => container.resources?.limits?.[name])
  const cpuLimit = own?.limits?.cpu ? milliAmount(own.limits.cpu) : everyHas('cpu') ? limits.cpu : 0
  const memoryLimit = own?.limits?.memory ? wholeAmount(own.limits.memory) : everyHas('memory') ? limits.memory : 0
  const cpuRequest = own?.requests?.cpu ?? own?.limits?.cpu
  const memoryRequest = own?.requests?.memory ?? own?.limits?.memory
  return {
    cpuShares: sharesOf(cpuRequest === undefined ? requests.cpu : milliAmount(cpuRequest)),
    ...(cpuLimit > 0 ? { cpuQuotaUs: quotaOf(cpuLimit), cpuPeriodUs: PERIOD_US } : {}),
    ...(memoryLimit > 0 ? { memoryBytes: memoryLimit } : {}),
    memoryRequestBytes: memoryRequest === undefined ? requests.memory : wholeAmount(memoryRequest),
    hugepages: hugepagesOf(own?.limits ?? {}),
  }
}

interface Totals {
  readonly cpu: number
  readonly memory: number
}

/** Milli-CPUs and bytes of all the containers that run at the same time, at the worst moment. */
function podTotals(pod: V1Pod, kind: 'requests' | 'limits'): Totals {
  const of = (container: V1Container): Totals => ({
    cpu: milliAmount(amountOf(container, kind, 'cpu')),
    memory: wholeAmount(amountOf(container, kind, 'memory')),
  })
  let sidecars: Totals = { cpu: 0, memory: 0 }
  let worst: Totals = { cpu: 0, memory: 0 }
  for (const container of pod.spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') sidecars = sum(sidecars, of(container))
    worst = largest(worst, container.restartPolicy === 'Always' ? sidecars : sum(sidecars, of(container)))
  }
  return largest(worst, (pod.spec?.containers ?? []).map(of).reduce(sum, sidecars))
}

function amountOf(container: V1Container, kind: 'requests' | 'limits', name: string): string | undefined {
  const limit = container.resources?.limits?.[name]
  return kind === 'limits' ? limit : (container.resources?.requests?.[name] ?? limit)
}

function sum(a: Totals, b: Totals): Totals {
  return { cpu: a.cpu + b.cpu, memory: a.memory + b.memory }
}

function largest(a: Totals, b: Totals): Totals {
  return { cpu: Math.max(a.cpu, b.cpu), memory: Math.max(a.memory, b.memory) }
}

/** Whose processes the kernel kills first when memory runs out. Source: k8s.io/kubernetes/pkg/kubelet/qos. */
const GUARANTEED_SCORE = -997
const BEST_EFFORT_SCORE = 1000
export const INFRA_OOM_SCORE = -998

/** The more of the machine's memory a Burstable container asked for, the later it is killed: 3..999. */
export function oomScoreAdj(qos: QosClass, memoryRequestBytes: number, machineMemoryBytes: number): number {
  if (qos === 'Guaranteed') return GUARANTEED_SCORE
  if (qos === 'BestEffort') return BEST_EFFORT_SCORE
  const score = 1000 - Math.floor((1000 * memoryRequestBytes) / machineMemoryBytes)
  return Math.min(Math.max(score, 1000 + GUARANTEED_SCORE), BEST_EFFORT_SCORE - 1)
}

/**
 * A member's score. What the pod itself asked for beyond its containers' requests is shared out evenly, and a sidecar is
 * not killed before the containers it serves.
 */
export function memberOomScore(pod: PodPlan, member: MemberPlan, machineMemoryBytes: number): number {
  const lasting = pod.members.filter(({ role }) => role !== 'init' && role !== 'ephemeral')
  const asked = lasting.reduce((total, { resources }) => total + resources.memoryRequestBytes, 0)
  const ownRequest = pod.pod.spec?.resources?.requests?.memory
  const spare = ownRequest === undefined ? 0 : Math.max(0, pod.resources.memoryRequestBytes - asked)
  const share = lasting.length === 0 ? 0 : Math.floor(spare / lasting.length)
  const score = (candidate: MemberPlan) =>
    oomScoreAdj(pod.qosClass, candidate.resources.memoryRequestBytes + share, machineMemoryBytes)
  if (member.role !== 'sidecar') return score(member)
  return Math.min(score(member), ...pod.members.filter(candidate => candidate.role === 'main').map(score))
}
