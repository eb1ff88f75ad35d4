/** Whether a Job is over, and how. Source: k8s.io/kubernetes pkg/controller/job/job_controller.go, syncJob. */
import type { V1JobSpec } from '@kubernetes/client-node'
import { findCondition, type Saying, withCondition } from './conditions.ts'
import { parseIndexes } from './indexes.ts'
import type { Tally } from './job-tally.ts'
import { restartsOf } from './pods.ts'
import type { WorkloadCondition, WorkloadInput } from './types.ts'

export interface JobOutcome {
  /** With that of the coming end: `SuccessCriteriaMet` or `FailureTarget`. */
  readonly conditions: readonly WorkloadCondition[]
  /** Once every pod has ended: `Complete` or `Failed`. */
  readonly final: Saying
}

export interface OutcomeRequest {
  readonly input: WorkloadInput
  readonly spec: V1JobSpec
  readonly counted: Tally
  /** Milliseconds since 1970; absent while it is suspended. */
  readonly startedMs: number | undefined
  readonly conditions: readonly WorkloadCondition[]
}

const INTERIM = { Complete: 'SuccessCriteriaMet', Failed: 'FailureTarget' } as const

export function jobOutcome(request: OutcomeRequest): JobOutcome | undefined {
  const { conditions, input } = request
  for (const [type, interim] of Object.entries(INTERIM)) {
    const known = findCondition(conditions, interim)
    if (known?.status !== 'True') continue
    const { reason, message } = known
    return { conditions, final: { type, status: 'True', reason, message } }
  }
  const failed = failureOf(request)
  const final = failed ? { type: 'Failed' as const, ...failed } : successOf(request)
  if (!final) return undefined
  const said: Saying = { ...final, status: 'True' }
  return { conditions: withCondition(conditions, { ...said, type: INTERIM[final.type] }, input.nowMs), final: said }
}

interface Reason {
  readonly reason: string
  readonly message: string
}

function failureOf({ input, spec, counted, startedMs }: OutcomeRequest): Reason | undefined {
  if (counted.failsJob !== undefined) return { reason: 'PodFailurePolicy', message: counted.failsJob }
  const limit = spec.backoffLimit ?? 6
  if (counted.failed > limit || restartedTooOften(spec, counted, limit))
    return { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }
  const { activeDeadlineSeconds } = spec
  const isLate =
    activeDeadlineSeconds !== undefined &&
    startedMs !== undefined &&
    startedMs + activeDeadlineSeconds * 1000 <= input.nowMs
  if (isLate && !isDone(spec, counted))
    return { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' }
  return spec.backoffLimitPerIndex === undefined ? undefined : indexFailure(spec, counted)
}

/** Restarts in place count, too. Source: pastBackoffLimitOnFailure. */
function restartedTooOften(spec: V1JobSpec, { active }: Tally, limit: number): boolean {
  if (spec.template.spec?.restartPolicy !== 'OnFailure') return false
  const restarts = active.reduce((sum, pod) => sum + restartsOf(pod), 0)
  return limit === 0 ? restarts > 0 : restarts >= limit
}

function indexFailure(spec: V1JobSpec, { failedIndexes, completedIndexes }: Tally): Reason | undefined {
  if (spec.maxFailedIndexes !== undefined && failedIndexes.size > spec.maxFailedIndexes)
    return {
      reason: 'MaxFailedIndexesExceeded',
      message: 'Job has exceeded the specified maximal number of failed indexes',
    }
  const isOver = failedIndexes.size + completedIndexes.size >= (spec.completions ?? 0)
  return failedIndexes.size > 0 && isOver ? { reason: 'FailedIndexes', message: 'Job has failed indexes' } : undefined
}

function successOf({ spec, counted }: OutcomeRequest): (Reason & { readonly type: 'Complete' }) | undefined {
  for (const [position, rule] of (spec.successPolicy?.rules ?? []).entries()) {
    const among = rule.succeededIndexes === undefined ? undefined : parseIndexes(rule.succeededIndexes)
    const met = [...counted.completedIndexes].filter(index => among?.has(index) ?? true).length
    const needed = rule.succeededCount ?? among?.size ?? spec.completions ?? 0
    if (met >= needed)
      return { type: 'Complete', reason: 'SuccessPolicy', message: `Matched rules at index ${position}` }
  }
  if (!isDone(spec, counted)) return undefined
  return { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
}

/** Without a number, one success ends the job, once its other pods have ended as well. */
function isDone({ completions }: V1JobSpec, { succeeded, active }: Tally): boolean {
  return completions === undefined ? succeeded > 0 && active.length === 0 : succeeded >= completions
}
