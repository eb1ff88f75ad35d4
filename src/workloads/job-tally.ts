/** What a Job remembers of its pods: how each one ended, once, however long it stays. */
import type { V1JobSpec } from '@kubernetes/client-node'
import { judgeFailure } from './job-failure.ts'
import { createdMs, isActive, isFailed, isSucceeded, isTerminating } from './pods.ts'
import type { RetryLimits, WorkloadPod } from './types.ts'

export interface EndedPod {
  /** `ignored`: a rule says that it does not count, or the Job itself took it away and has not failed. */
  readonly result: 'succeeded' | 'failed' | 'ignored'
  /** Of an Indexed job. */
  readonly index?: number
  /** Milliseconds since 1970. */
  readonly atMs: number
  readonly failsIndex?: true
}

export interface JobMemory {
  /** By uid. */
  readonly ended: Readonly<Record<string, EndedPod>>
}

export interface Tally {
  readonly memory: JobMemory
  readonly succeeded: number
  readonly failed: number
  readonly active: readonly WorkloadPod[]
  readonly terminating: number
  /** A rule of the pod failure policy ends the Job, with this message. */
  readonly failsJob?: string
  /** Of an Indexed job. */
  readonly completedIndexes: ReadonlySet<number>
  readonly failedIndexes: ReadonlySet<number>
  /** How often each index failed. */
  readonly failuresOf: ReadonlyMap<number, number>
}

export function tally(
  memory: JobMemory | undefined,
  pods: readonly WorkloadPod[],
  { spec, nowMs }: { readonly spec: V1JobSpec; readonly nowMs: number },
): Tally {
  const ended: Record<string, EndedPod> = { ...memory?.ended }
  let failsJob: string | undefined
  for (const pod of pods) {
    const uid = pod.metadata.uid ?? ''
    if (Object.hasOwn(ended, uid)) continue
    const result = endOf(pod, spec)
    if (result === undefined) continue
    const verdict = result === 'failed' ? judgeFailure(spec, pod) : undefined
    failsJob ??= verdict?.failsJob
    const index = indexOf(pod)
    ended[uid] = {
      result: verdict?.counts === false ? 'ignored' : result,
      ...(index === undefined ? {} : { index }),
      atMs: finishedMs(pod) ?? nowMs,
      ...(verdict?.failsIndex ? { failsIndex: true } : {}),
    }
  }
  const all = Object.values(ended)
  const isIndexed = spec.completionMode === 'Indexed'
  const completions = spec.completions ?? Number.POSITIVE_INFINITY
  const completed = new Set(
    all.flatMap(({ result, index }) =>
      result === 'succeeded' && index !== undefined && index < completions ? [index] : [],
    ),
  )
  const failuresOf = new Map<number, number>()
  for (const { result, index } of all)
    if (result === 'failed' && index !== undefined) failuresOf.set(index, (failuresOf.get(index) ?? 0) + 1)
  const limit = spec.backoffLimitPerIndex
  const failedIndexes = new Set<number>()
  if (limit !== undefined) {
    for (const [index, failures] of failuresOf) if (failures > limit) failedIndexes.add(index)
    for (const { failsIndex, index } of all) if (failsIndex && index !== undefined) failedIndexes.add(index)
    for (const index of completed) failedIndexes.delete(index)
  }
  return {
    memory: { ended },
    succeeded: isIndexed ? completed.size : all.filter(({ result }) => result === 'succeeded').length,
    failed: all.filter(({ result }) => result === 'failed').length,
    active: pods.filter(pod => isActive(pod)),
    terminating: pods.filter(pod => isTerminating(pod) && !isFailed(pod) && !isSucceeded(pod)).length,
    ...(failsJob === undefined ? {} : { failsJob }),
    completedIndexes: completed,
    failedIndexes,
    failuresOf,
  }
}

/** One that is taken away before its time has failed, unless only those that ended are replaced. */
function endOf(pod: WorkloadPod, spec: V1JobSpec): 'succeeded' | 'failed' | undefined {
  if (isSucceeded(pod)) return 'succeeded'
  if (isFailed(pod)) return 'failed'
  return isTerminating(pod) && spec.podReplacementPolicy !== 'Failed' ? 'failed' : undefined
}

/** Notes pods that the Job itself takes away: they did not fail. */
export function withRemoved(memory: JobMemory, pods: readonly WorkloadPod[], nowMs: number): JobMemory {
  const removed = pods.map(pod => [pod.metadata.uid ?? '', { result: 'ignored', atMs: nowMs }] as const)
  return { ended: { ...memory.ended, ...Object.fromEntries(removed) } }
}

/**
 * Notes the pods of a Job that has failed: whatever has not ended by then has failed, too. Their indexes have not.
 * Source: trackJobStatusAndRemoveFinalizers.
 */
export function withUnfinished(
  memory: JobMemory,
  pods: readonly WorkloadPod[],
  { spec, nowMs }: { readonly spec: V1JobSpec; readonly nowMs: number },
): JobMemory {
  const ended: Record<string, EndedPod> = { ...memory.ended }
  for (const pod of pods) {
    const uid = pod.metadata.uid ?? ''
    if (Object.hasOwn(ended, uid)) continue
    ended[uid] = { result: judgeFailure(spec, pod).counts ? 'failed' : 'ignored', atMs: nowMs }
  }
  return { ended }
}

const INDEX = 'batch.kubernetes.io/job-completion-index'

export function indexOf(pod: WorkloadPod): number | undefined {
  const text = pod.metadata.annotations?.[INDEX] ?? pod.metadata.labels?.[INDEX]
  return text === undefined ? undefined : Number(text)
}

function finishedMs(pod: WorkloadPod): number | undefined {
  const times = (pod.status.containerStatuses ?? [])
    .map(status => status.state?.terminated?.finishedAt)
    .filter(time => time !== undefined)
    .map(time => Date.parse(time))
  return times.length === 0 ? undefined : Math.max(...times, createdMs(pod))
}

/**
 * When the next pod may be made: after each failure without a success in between it takes twice as long.
 * Source: k8s.io/kubernetes pkg/controller/job/backoff_utils.go.
 */
export function retryAtMs(ended: Iterable<EndedPod>, limits: RetryLimits): number | undefined {
  const sorted = [...ended].filter(({ result }) => result !== 'ignored').toSorted((a, b) => a.atMs - b.atMs)
  const lastSuccess = sorted.findLastIndex(({ result }) => result === 'succeeded')
  const failures = sorted.slice(lastSuccess + 1)
  const last = failures.at(-1)
  if (!last) return undefined
  return last.atMs + Math.min(limits.initialMs * 2 ** (failures.length - 1), limits.maxMs)
}
