/** What controllers ask of pods. Source: k8s.io/kubernetes pkg/controller/controller_utils.go, pkg/api/v1/pod/util.go. */
import type { WorkloadPod, WorkloadPodCondition } from './types.ts'

/** It is being taken away. */
export function isTerminating(pod: WorkloadPod): boolean {
  return pod.metadata.deletionTimestamp !== undefined
}

export function isFailed(pod: WorkloadPod): boolean {
  return pod.status.phase === 'Failed' || pod.isLost === true
}

export function isSucceeded(pod: WorkloadPod): boolean {
  return pod.status.phase === 'Succeeded'
}

/** It counts as one of the replicas: neither over nor going. */
export function isActive(pod: WorkloadPod): boolean {
  return !isTerminating(pod) && !isFailed(pod) && !isSucceeded(pod)
}

export function isReady(pod: WorkloadPod): boolean {
  return readyCondition(pod)?.status === 'True' && pod.isLost !== true
}

/** Since when it has been ready, in milliseconds since 1970; `undefined`: it isn't. */
export function readySinceMs(pod: WorkloadPod): number | undefined {
  if (!isReady(pod)) return undefined
  const since = readyCondition(pod)?.lastTransitionTime
  return since === undefined ? 0 : Date.parse(since)
}

/** By how much a time that is told in whole seconds may be too early, in milliseconds. */
const TIME_ERROR_MS = 999

/**
 * When it will surely have been ready for long enough, in milliseconds since 1970; `undefined`: it isn't ready. One that
 * crashes at once must never be taken for available, or old pods go for it.
 */
export function availableAtMs(pod: WorkloadPod, minReadySeconds: number): number | undefined {
  const since = readySinceMs(pod)
  if (since === undefined) return undefined
  return minReadySeconds === 0 ? 0 : since + TIME_ERROR_MS + minReadySeconds * 1000
}

export function isAvailable(pod: WorkloadPod, minReadySeconds: number, nowMs: number): boolean {
  const at = availableAtMs(pod, minReadySeconds)
  return at !== undefined && at <= nowMs
}

/** When the next ready pod becomes available; `undefined`: none is on the way. */
export function nextAvailableMs(
  pods: readonly WorkloadPod[],
  minReadySeconds: number,
  nowMs: number,
): number | undefined {
  const times = pods.map(pod => availableAtMs(pod, minReadySeconds)).filter(at => at !== undefined && at > nowMs)
  return earliest(times)
}

/** The smallest of the times that are there. */
export function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter(time => time !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

/** Whether the pod was made by this very object, and not by a child of it. */
export function isOwnedBy(pod: WorkloadPod, kind: string, name: string): boolean {
  return pod.metadata.ownerReferences?.some(owner => owner.kind === kind && owner.name === name) === true
}

export interface ReplicaCounts {
  readonly replicas: number
  readonly ready: number
  readonly available: number
  readonly terminating: number
}

export function countPods(pods: readonly WorkloadPod[], minReadySeconds: number, nowMs: number): ReplicaCounts {
  const active = pods.filter(isActive)
  return {
    replicas: active.length,
    ready: active.filter(isReady).length,
    available: active.filter(pod => isAvailable(pod, minReadySeconds, nowMs)).length,
    terminating: pods.filter(isTerminating).length,
  }
}

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'

/** The `count` pods that are missed least, worst first. Source: ActivePodsWithRanks.Less. */
export function leastMissed(pods: readonly WorkloadPod[], count: number): readonly WorkloadPod[] {
  return pods.toSorted(compareByWorth).slice(0, Math.max(0, count))
}

const PHASES = ['Pending', 'Unknown', 'Running']

function compareByWorth(a: WorkloadPod, b: WorkloadPod): number {
  return (
    PHASES.indexOf(a.status.phase) - PHASES.indexOf(b.status.phase) ||
    Number(isReady(a)) - Number(isReady(b)) ||
    costOf(a) - costOf(b) ||
    (readySinceMs(b) ?? 0) - (readySinceMs(a) ?? 0) ||
    restartsOf(b) - restartsOf(a) ||
    createdMs(b) - createdMs(a) ||
    (a.metadata.name < b.metadata.name ? 1 : -1)
  )
}

function costOf(pod: WorkloadPod): number {
  const cost = Number(pod.metadata.annotations?.[DELETION_COST] ?? 0)
  return Number.isFinite(cost) ? cost : 0
}

/** Restarts of all its containers. */
export function restartsOf(pod: WorkloadPod): number {
  const all = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])]
  return all.reduce((sum, status) => sum + status.restartCount, 0)
}

export function createdMs(pod: WorkloadPod): number {
  return Date.parse(pod.metadata.creationTimestamp ?? '') || 0
}

function readyCondition(pod: WorkloadPod): WorkloadPodCondition | undefined {
  return pod.status.conditions?.find(({ type }) => type === 'Ready')
}
