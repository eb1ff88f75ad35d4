/** Conditions of workloads: what stays, stays with its time. */
import type { Progress, WorkloadCondition, WorkloadEvent } from './types.ts'

/** A time as Kubernetes writes it: UTC, whole seconds. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

export function conditionsOf(progress: Progress | undefined): readonly WorkloadCondition[] {
  return (progress?.status.conditions ?? []) as readonly WorkloadCondition[]
}

export function findCondition(conditions: readonly WorkloadCondition[], type: string): WorkloadCondition | undefined {
  return conditions.find(condition => condition.type === type)
}

export interface Saying {
  readonly type: string
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}

/**
 * The list with that condition: unchanged when it says the same with the same reason. The time of the transition is that
 * of the change of its status.
 */
export function withCondition(
  conditions: readonly WorkloadCondition[],
  saying: Saying,
  nowMs: number,
): readonly WorkloadCondition[] {
  const now = timeText(nowMs)
  const old = findCondition(conditions, saying.type)
  if (old?.status === saying.status && old.reason === saying.reason) return conditions
  const lastTransitionTime = old?.status === saying.status ? old.lastTransitionTime : now
  const fresh: WorkloadCondition = { ...saying, lastTransitionTime, lastUpdateTime: now }
  return [...conditions.filter(({ type }) => type !== saying.type), fresh]
}

export function normal(reason: string, message: string): WorkloadEvent {
  return { type: 'Normal', reason, message }
}

export function warningEvent(reason: string, message: string): WorkloadEvent {
  return { type: 'Warning', reason, message }
}

/** A count of 0 is left out, as Go's `omitempty` does. */
export function some(name: string, value: number): object {
  return value > 0 ? { [name]: value } : {}
}
