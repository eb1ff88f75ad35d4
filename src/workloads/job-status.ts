/** How a Job is. */
import type { V1JobSpec } from '@kubernetes/client-node'
import { findCondition, some, timeText } from './conditions.ts'
import { formatIndexes } from './indexes.ts'
import type { Tally } from './job-tally.ts'
import { isReady } from './pods.ts'
import type { WorkloadCondition, WorkloadInput, WorkloadStatus } from './types.ts'

export interface JobStatusRequest {
  readonly input: WorkloadInput
  readonly spec: V1JobSpec
  readonly counted: Tally
  readonly conditions: readonly WorkloadCondition[]
  readonly startedMs: number | undefined
}

export function jobStatus({ input, spec, counted, conditions, startedMs }: JobStatusRequest): WorkloadStatus {
  const over = findCondition(conditions, 'Complete') ?? findCondition(conditions, 'Failed')
  const completed = findCondition(conditions, 'Complete')
  const active = over ? 0 : counted.active.length
  return {
    ...some('active', active),
    ...(spec.completionMode === 'Indexed' ? { completedIndexes: formatIndexes(counted.completedIndexes) } : {}),
    ...(completed ? { completionTime: completed.lastTransitionTime } : {}),
    ...(conditions.length === 0 ? {} : { conditions: conditions.map(condition => probed(condition, input.nowMs)) }),
    ...some('failed', counted.failed),
    ...(spec.backoffLimitPerIndex === undefined ? {} : { failedIndexes: formatIndexes(counted.failedIndexes) }),
    ready: over ? 0 : counted.active.filter(isReady).length,
    ...(startedMs === undefined ? {} : { startTime: timeText(startedMs) }),
    ...some('succeeded', counted.succeeded),
    terminating: counted.terminating,
    uncountedTerminatedPods: {},
  }
}

/** Conditions of Jobs say when they were probed instead of updated. */
function probed({ lastUpdateTime, ...condition }: WorkloadCondition, nowMs: number): WorkloadCondition {
  return { ...condition, lastProbeTime: condition.lastProbeTime ?? lastUpdateTime ?? timeText(nowMs) }
}
