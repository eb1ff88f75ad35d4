/** Whether and when a container that ended is started again. Pure. Source: Kubernetes documentation, "Pod Lifecycle". */
import { afterExit } from '../plan/restart-policy.ts'
import type { MemberPlan, PodPlan } from '../plan/types.ts'
import type { ObservedContainer, ObservedPod } from './observed.ts'

export interface BackoffLimits {
  /** Milliseconds after the second end; doubles with each. Default 10 s. */
  readonly initialMs: number
  /** Default 5 min. */
  readonly maxMs: number
  /** A run of this length begins the back-off anew. Default 10 min. */
  readonly resetMs: number
}

export const KUBELET_BACKOFF: BackoffLimits = { initialMs: 10_000, maxMs: 300_000, resetMs: 600_000 }

/** The delay before the restart after the next one. The first restart comes at once. */
export function nextBackoff(backoffMs: number, limits: BackoffLimits): number {
  return backoffMs === 0 ? limits.initialMs : Math.min(backoffMs * 2, limits.maxMs)
}

/** Milliseconds as Go writes a duration: `10s`, `1m20s`, `5m0s`, `400ms`. Source: Go time.Duration.String. */
export function goDuration(ms: number): string {
  if (ms < 1000) return ms === 0 ? '0s' : `${ms}ms`
  const hours = Math.floor(ms / 3_600_000)
  const minutes = Math.floor(ms / 60_000)
  const seconds = `${(ms % 60_000) / 1000}s`
  if (hours > 0) return `${hours}h${minutes % 60}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}

/** How long after its end a container is started again. */
export function restartDelay(backoffMs: number, ranMs: number, limits: BackoffLimits): number {
  return ranMs >= limits.resetMs ? 0 : backoffMs
}

/** Whether a container that ended with this status is to run again, by its own policy and rules, else by the pod's. */
export function runsAgain(plan: PodPlan, member: MemberPlan, exitCode: number): boolean {
  return afterExit(policyOf(plan), member, exitCode) !== 'nothing'
}

/** Whether the end of this container has the whole pod begin anew. */
export function restartsAll({ plan, containers }: ObservedPod, member: MemberPlan): boolean {
  const now = containers[member.name]
  if (now?.state !== 'exited' || now.exitCode === undefined) return false
  return afterExit(policyOf(plan), member, now.exitCode) === 'restartAll'
}

function policyOf({ pod }: PodPlan): string {
  return pod.spec?.restartPolicy ?? 'Always'
}

/** When a container that ended is due to be started again; `undefined` when it isn't to be, or hasn't ended. */
export function restartDueMs(pod: ObservedPod, member: MemberPlan, limits: BackoffLimits): number | undefined {
  const now = pod.containers[member.name]
  if (now?.state !== 'exited' && now?.state !== 'broken') return undefined
  if (!runsAgain(pod.plan, member, now.exitCode ?? UNKNOWN_STATUS)) return undefined
  const finishedMs = now.finishedAt === undefined ? 0 : Date.parse(now.finishedAt)
  const ranMs = now.startedAt === undefined || now.startError !== undefined ? 0 : finishedMs - Date.parse(now.startedAt)
  return finishedMs + restartDelay(now.lifecycle?.backoffMs ?? 0, ranMs, limits)
}

/** When a container that could not be made is tried again; `undefined`: it was made, or nothing has failed. */
export function retryDueMs(now: ObservedContainer | undefined): number | undefined {
  return now?.state === 'absent' ? now.lifecycle?.retry?.atMs : undefined
}

/**
 * Whether anything may have to be done when the container ends: then its monitor wakes a supervisor. The end of the last
 * one lets the pod's namespaces and address go.
 */
export function exitNeedsCare({ role }: MemberPlan): boolean {
  return role !== 'ephemeral'
}

/** What is assumed of a container that ended without anyone seeing it. Source: kubelet, convertToAPIContainerStatuses. */
export const UNKNOWN_STATUS = 137

/**
 * Whether nothing of the pod is to run any more: every main container has ended for good, it failed as a whole, or
 * somebody stopped it.
 */
export function isOver(pod: ObservedPod): boolean {
  if (pod.failed || pod.stopped) return true
  const mains = pod.plan.members.filter(({ role }) => role === 'main')
  const failedInit = pod.plan.members.some(
    member => member.role === 'init' && endedForGood(pod, member, code => code !== 0),
  )
  return failedInit || mains.every(member => endedForGood(pod, member, () => true))
}

/** It ran, and its monitor, which would have seen its end, was killed. */
function hasVanished({ state, startedAt }: ObservedContainer): boolean {
  return state === 'broken' && startedAt !== undefined
}

function endedForGood(pod: ObservedPod, member: MemberPlan, counts: (exitCode: number) => boolean): boolean {
  const now = pod.containers[member.name]
  if (now === undefined || (now.state !== 'exited' && !hasVanished(now))) return false
  const exitCode = now.exitCode ?? UNKNOWN_STATUS
  return counts(exitCode) && !runsAgain(pod.plan, member, exitCode)
}
