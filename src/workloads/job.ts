/** Runs pods until enough of them have succeeded. Source: k8s.io/kubernetes pkg/controller/job/job_controller.go. */
import type { V1Job, V1JobSpec } from '@kubernetes/client-node'
import { withDefaults } from '../manifest/defaults.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import type { PodSource } from '../plan/context.ts'
import { jobPod } from '../plan/expand.ts'
import { conditionsOf, findCondition, normal, warningEvent, withCondition } from './conditions.ts'
import { jobOutcome } from './job-outcome.ts'
import { jobStatus } from './job-status.ts'
import { indexOf, type JobMemory, retryAtMs, type Tally, tally, withRemoved, withUnfinished } from './job-tally.ts'
import { earliest, leastMissed } from './pods.ts'
import {
  type Decision,
  NOTHING,
  type WorkloadCondition,
  type WorkloadEvent,
  type WorkloadInput,
  type WorkloadPod,
  type WorkloadRecord,
} from './types.ts'

export function jobSpec(object: WorkloadRecord): V1JobSpec {
  return (withDefaults(object.value as KubernetesObject) as V1Job).spec!
}

/** `Complete` or `Failed`, once it is over. */
export function finishedCondition(object: WorkloadRecord): WorkloadCondition | undefined {
  return conditionsOf(object.progress).find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  )
}

export function decideJob(input: WorkloadInput): Decision {
  const { object, pods, nowMs } = input
  const spec = jobSpec(object)
  const finished = finishedCondition(object)
  if (finished) return afterEnd(input, spec, finished)
  const counted = tally(object.progress?.memory as JobMemory | undefined, pods, { spec, nowMs })
  const startedMs = startOf(input, spec)
  const suspension = suspend(input, spec)
  const outcome = jobOutcome({ input, spec, counted, startedMs, conditions: suspension.conditions })
  if (outcome) {
    const remove = counted.active
    const memory =
      outcome.final.type === 'Failed'
        ? withUnfinished(counted.memory, pods, { spec, nowMs })
        : withRemoved(counted.memory, remove, nowMs)
    const isOver = remove.length === 0 && counted.terminating === 0
    const conditions = isOver ? withCondition(outcome.conditions, outcome.final, nowMs) : outcome.conditions
    return {
      ...NOTHING,
      remove: uidsOf(remove),
      memory,
      events: [...(isOver ? [endEvent(outcome.final)] : []), ...remove.map(deleteEvent)],
      ...(isOver && spec.ttlSecondsAfterFinished !== undefined
        ? { wakeAtMs: nowMs + spec.ttlSecondsAfterFinished * 1000 }
        : {}),
      status: jobStatus({ input, spec, counted: tally(memory, pods, { spec, nowMs }), conditions, startedMs }),
    }
  }
  const moves = spec.suspend ? { create: [], remove: counted.active } : nextPods(input, spec, counted)
  const deadlineMs =
    spec.activeDeadlineSeconds === undefined || startedMs === undefined
      ? undefined
      : startedMs + spec.activeDeadlineSeconds * 1000
  const wakeAtMs = earliest([deadlineMs, moves.retryAtMs])
  return {
    ...NOTHING,
    create: moves.create,
    remove: uidsOf(moves.remove),
    memory: withRemoved(counted.memory, moves.remove, nowMs),
    ...(wakeAtMs === undefined ? {} : { wakeAtMs }),
    events: [
      ...suspension.events,
      ...moves.create.map(({ name }) => normal('SuccessfulCreate', `Created pod: ${name}`)),
      ...moves.remove.map(deleteEvent),
    ],
    status: jobStatus({ input, spec, counted, conditions: suspension.conditions, startedMs }),
  }
}

/** Nothing more happens, but that it goes after its time. */
function afterEnd({ object, nowMs }: WorkloadInput, spec: V1JobSpec, finished: WorkloadCondition): Decision {
  const { status, memory } = object.progress!
  const kept = { ...NOTHING, status, ...(memory === undefined ? {} : { memory }) }
  if (spec.ttlSecondsAfterFinished === undefined) return kept
  const at = Date.parse(finished.lastTransitionTime) + spec.ttlSecondsAfterFinished * 1000
  return at <= nowMs ? { ...kept, removeSelf: true } : { ...kept, wakeAtMs: at }
}

/** When it began to run: a suspended job has not, and begins anew when it is resumed. */
function startOf({ object, nowMs }: WorkloadInput, spec: V1JobSpec): number | undefined {
  if (spec.suspend) return undefined
  const known = object.progress?.status.startTime as string | undefined
  if (known !== undefined) return Date.parse(known)
  return object.progress === undefined ? Date.parse(object.createdAt) : nowMs
}

function suspend({ object, nowMs }: WorkloadInput, spec: V1JobSpec) {
  const before = conditionsOf(object.progress)
  const known = findCondition(before, 'Suspended')
  const type = 'Suspended'
  if (spec.suspend && known?.status !== 'True') {
    const said = { type, status: 'True', reason: 'JobSuspended', message: 'Job suspended' } as const
    return { conditions: withCondition(before, said, nowMs), events: [normal('Suspended', 'Job suspended')] }
  }
  if (!spec.suspend && known?.status === 'True') {
    const said = { type, status: 'False', reason: 'JobResumed', message: 'Job resumed' } as const
    return { conditions: withCondition(before, said, nowMs), events: [normal('Resumed', 'Job resumed')] }
  }
  return { conditions: before, events: [] as readonly WorkloadEvent[] }
}

interface Moves {
  readonly create: readonly PodSource[]
  readonly remove: readonly WorkloadPod[]
  readonly retryAtMs?: number
}

/** Source: manageJob. */
function nextPods(input: WorkloadInput, spec: V1JobSpec, counted: Tally): Moves {
  const parallelism = spec.parallelism ?? 1
  const done = counted.succeeded + (spec.backoffLimitPerIndex === undefined ? 0 : counted.failedIndexes.size)
  const active = counted.active.length
  const wanted =
    spec.completions === undefined
      ? counted.succeeded > 0
        ? Math.min(active, parallelism)
        : parallelism
      : Math.min(parallelism, Math.max(0, spec.completions - done))
  if (active > wanted) return { create: [], remove: leastMissed(counted.active, active - wanted) }
  const held = spec.podReplacementPolicy === 'Failed' ? counted.terminating : 0
  const missing = wanted - active - held
  if (missing <= 0) return { create: [], remove: [] }
  return spec.completionMode === 'Indexed'
    ? indexedPods(input, spec, counted, missing)
    : plainPods(input, spec, counted, missing)
}

function plainPods(input: WorkloadInput, spec: V1JobSpec, counted: Tally, count: number): Moves {
  const { object, nowMs, limits } = input
  const due = retryAtMs(Object.values(counted.memory.ended), limits)
  if (due !== undefined && due > nowMs) return { create: [], remove: [], retryAtMs: due }
  const taken = takenNames(input)
  const create = Array.from({ length: count }, (_, position) => {
    const pod = jobPod({ object, spec, seed: [object.uid, nowMs, position], taken, index: undefined })
    taken.add(pod.name)
    return pod
  })
  return { create, remove: [] }
}

/** The lowest indexes that nobody works at. With a limit for each index, each has its own back-off. */
function indexedPods(input: WorkloadInput, spec: V1JobSpec, counted: Tally, count: number): Moves {
  const { object, nowMs, limits } = input
  const busy = new Set([...counted.active.map(indexOf), ...counted.completedIndexes, ...counted.failedIndexes])
  const ended = Object.values(counted.memory.ended)
  const isPerIndex = spec.backoffLimitPerIndex !== undefined
  const commonDue = isPerIndex ? undefined : retryAtMs(ended, limits)
  if (commonDue !== undefined && commonDue > nowMs) return { create: [], remove: [], retryAtMs: commonDue }
  const taken = takenNames(input)
  const create: PodSource[] = []
  const later: number[] = []
  for (let index = 0; index < (spec.completions ?? 0) && create.length < count; index++) {
    if (busy.has(index)) continue
    const own = isPerIndex ? ended.filter(pod => pod.index === index) : []
    const due = retryAtMs(own, limits)
    if (due !== undefined && due > nowMs) {
      later.push(due)
      continue
    }
    const failures = counted.failuresOf.get(index) ?? 0
    const pod = jobPod({ object, spec, seed: [object.uid, nowMs, index], taken, index: { index, failures } })
    taken.add(pod.name)
    create.push(pod)
  }
  const retry = earliest(later)
  return { create, remove: [], ...(retry === undefined ? {} : { retryAtMs: retry }) }
}

function takenNames({ pods }: WorkloadInput): Set<string> {
  return new Set(pods.map(pod => pod.metadata.name))
}

function uidsOf(pods: readonly WorkloadPod[]): readonly string[] {
  return pods.flatMap(pod => pod.metadata.uid ?? [])
}

function deleteEvent(pod: WorkloadPod): WorkloadEvent {
  return normal('SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)
}

function endEvent({
  type,
  reason,
  message,
}: {
  readonly type: string
  readonly reason: string
  readonly message: string
}) {
  return type === 'Complete' ? normal('Completed', 'Job completed') : warningEvent(reason, message)
}
