/** How a Deployment is. Source: k8s.io/kubernetes pkg/controller/deployment/progress.go, sync.go. */
import { conditionsOf, findCondition, some, timeText, withCondition } from './conditions.ts'
import { type DeploymentSpec, limitsOf, type SetState, type Sets } from './deployment-sets.ts'
import type { WorkloadCondition, WorkloadInput, WorkloadStatus } from './types.ts'

/** No deadline. Source: the API's own mark. */
const NO_DEADLINE = 2 ** 31 - 1

interface Counts {
  readonly replicas: number
  readonly updated: number
  readonly ready: number
  readonly available: number
}

export interface DeploymentStatus {
  readonly status: WorkloadStatus
  readonly isComplete: boolean
  /** When it will have taken too long, in milliseconds since 1970; absent when it isn't on its way. */
  readonly deadlineMs?: number
}

export interface StatusRequest {
  readonly input: WorkloadInput
  readonly spec: DeploymentSpec
  readonly sets: Sets
  /** The present template's ReplicaSet was made in this very step. */
  readonly isNew: boolean
}

export function deploymentStatus({ input, spec, sets, isNew }: StatusRequest): DeploymentStatus {
  const { current, old } = sets
  const all = [...old, ...(current ? [current] : [])]
  const counts = countSets(all, current)
  const wanted = spec.replicas ?? 1
  const isComplete = counts.updated === wanted && counts.replicas === wanted && counts.available === wanted
  const unavailable = Math.max(
    0,
    Math.max(
      sum(all, set => set.replicas),
      wanted,
    ) - counts.available,
  )
  const terminating = sum(all, set => set.counts.terminating)
  const before = conditionsOf(input.object.progress)
  const available = withAvailability(before, counts.available >= wanted - limitsOf(spec).unavailable, input.nowMs)
  const conditions = spec.paused
    ? withPause(available, input)
    : withProgress(available, { input, spec, current, counts, isComplete, isNew })
  const deadlineMs = deadlineOf(conditions, spec)
  return {
    status: {
      ...some('availableReplicas', counts.available),
      ...(conditions.length === 0 ? {} : { conditions }),
      ...some('readyReplicas', counts.ready),
      ...some('replicas', counts.replicas),
      ...some('terminatingReplicas', terminating),
      ...some('unavailableReplicas', unavailable),
      ...some('updatedReplicas', counts.updated),
    },
    isComplete,
    ...(deadlineMs === undefined || deadlineMs <= input.nowMs ? {} : { deadlineMs }),
  }
}

function countSets(all: readonly SetState[], current: SetState | undefined): Counts {
  return {
    replicas: sum(all, set => set.counts.replicas),
    updated: current?.counts.replicas ?? 0,
    ready: sum(all, set => set.counts.ready),
    available: sum(all, set => set.counts.available),
  }
}

function withAvailability(
  conditions: readonly WorkloadCondition[],
  isAvailable: boolean,
  nowMs: number,
): readonly WorkloadCondition[] {
  return withCondition(
    conditions,
    {
      type: 'Available',
      status: isAvailable ? 'True' : 'False',
      reason: isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
      message: isAvailable ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
    },
    nowMs,
  )
}

function withPause(conditions: readonly WorkloadCondition[], input: WorkloadInput): readonly WorkloadCondition[] {
  const paused = { reason: 'DeploymentPaused', message: 'Deployment is paused' }
  if (findCondition(conditions, 'Progressing')?.reason === 'ProgressDeadlineExceeded') return conditions
  return withCondition(conditions, { type: 'Progressing', ...unknownStatus(), ...paused }, input.nowMs)
}

/** A paused Deployment is `Unknown` in a cluster. */
function unknownStatus(): { readonly status: 'True' } {
  return { status: 'Unknown' as 'True' }
}

interface ProgressRequest {
  readonly input: WorkloadInput
  readonly spec: DeploymentSpec
  readonly current: SetState | undefined
  readonly counts: Counts
  readonly isComplete: boolean
  readonly isNew: boolean
}

function withProgress(
  conditions: readonly WorkloadCondition[],
  { input, spec, current, counts, isComplete, isNew }: ProgressRequest,
): readonly WorkloadCondition[] {
  const { object, nowMs } = input
  const deadline = spec.progressDeadlineSeconds ?? NO_DEADLINE
  if (deadline === NO_DEADLINE) return conditions.filter(({ type }) => type !== 'Progressing')
  const old = findCondition(conditions, 'Progressing')
  const subject = current ? `ReplicaSet "${current.name}"` : `Deployment "${object.name}"`
  const say = (status: 'True' | 'False', reason: string, message: string) =>
    withCondition(conditions, { type: 'Progressing', status, reason, message }, nowMs)
  if (old?.reason === 'DeploymentPaused' && !isComplete)
    return say('True', 'DeploymentResumed', 'Deployment is resumed')
  const wasComplete = old?.reason === 'NewReplicaSetAvailable'
  if (isNew && current && !isComplete)
    return say('True', 'NewReplicaSetCreated', `Created new replica set "${current.name}"`)
  // Once it was rolled out, pods that come and go are no new rollout.
  if (wasComplete && counts.replicas === counts.updated) return conditions
  if (isComplete) return say('True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`)
  if (hasProgressed(input, counts)) {
    const fresh: WorkloadCondition = {
      type: 'Progressing',
      status: 'True',
      reason: 'ReplicaSetUpdated',
      message: `${subject} is progressing.`,
      lastTransitionTime: old?.status === 'True' ? old.lastTransitionTime : timeText(nowMs),
      lastUpdateTime: timeText(nowMs),
    }
    return [...conditions.filter(({ type }) => type !== 'Progressing'), fresh]
  }
  if (old && !wasComplete && old.reason !== 'ProgressDeadlineExceeded' && updatedMs(old) + deadline * 1000 <= nowMs)
    return say('False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`)
  if (old) return conditions
  return say('True', 'ReplicaSetUpdated', `${subject} is progressing.`)
}

/** More new pods, fewer old ones, more ready or more available ones than when it was last looked at. */
function hasProgressed({ object }: WorkloadInput, counts: Counts): boolean {
  const status = object.progress?.status
  if (!status) return false
  const before = (name: string) => Number(status[name] ?? 0)
  return (
    counts.updated > before('updatedReplicas') ||
    counts.replicas - counts.updated < before('replicas') - before('updatedReplicas') ||
    counts.ready > before('readyReplicas') ||
    counts.available > before('availableReplicas')
  )
}

function deadlineOf(conditions: readonly WorkloadCondition[], spec: DeploymentSpec): number | undefined {
  const progressing = findCondition(conditions, 'Progressing')
  if (!progressing || spec.paused || spec.progressDeadlineSeconds === undefined) return undefined
  if (['NewReplicaSetAvailable', 'ProgressDeadlineExceeded', 'DeploymentPaused'].includes(progressing.reason))
    return undefined
  return updatedMs(progressing) + spec.progressDeadlineSeconds * 1000
}

function updatedMs(condition: WorkloadCondition): number {
  return Date.parse(condition.lastUpdateTime ?? condition.lastTransitionTime)
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
