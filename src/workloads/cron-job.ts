/** Makes Jobs by the clock. Source: k8s.io/kubernetes pkg/controller/cronjob/cronjob_controllerv2.go. */
import type { V1CronJob, V1CronJobSpec, V1Job } from '@kubernetes/client-node'
import { withDefaults } from '../manifest/defaults.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { uuidOf } from '../plan/names.ts'
import { normal, timeText, warningEvent } from './conditions.ts'
import { finishedCondition } from './job.ts'
import { lastDue, nextTime, parseSchedule } from './schedule.ts'
import {
  type ChildObject,
  type Decision,
  NOTHING,
  type WorkloadEvent,
  type WorkloadInput,
  type WorkloadRecord,
} from './types.ts'

const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp'
const MANUAL = 'cronjob.kubernetes.io/instantiate'

export function cronJobSpec(object: WorkloadRecord): V1CronJobSpec {
  return (withDefaults(object.value as KubernetesObject) as V1CronJob).spec!
}

interface Start {
  readonly atMs: number
  readonly replaced: readonly WorkloadRecord[]
}

export function decideCronJob(input: WorkloadInput): Decision {
  const { object, nowMs } = input
  const spec = cronJobSpec(object)
  const jobs = input.children.filter(({ kind }) => kind === 'Job')
  const active = jobs.filter(job => !finishedCondition(job) && !isManual(job))
  const surplus = oldHistory(jobs, spec)
  const events: WorkloadEvent[] = []
  const start = spec.suspend ? undefined : startDue(input, spec, active, events)
  const child = start && jobOf(object, spec, start.atMs)
  const isThere = child !== undefined && jobs.some(({ name }) => name === child.name)
  const running = [...active.filter(job => !start?.replaced.includes(job)), ...(child && !isThere ? [child] : [])]
  if (child && !isThere) events.push(normal('SuccessfulCreate', `Created job ${child.name}`))
  for (const job of start?.replaced ?? []) events.push(normal('SuccessfulDelete', `Deleted job ${job.name}`))
  const lastScheduleTime = start ? timeText(start.atMs) : object.progress?.status.lastScheduleTime
  const schedule = parseSchedule(spec.schedule)
  const wakeAtMs = schedule && !spec.suspend ? nextTime(schedule, nowMs, spec.timeZone) : undefined
  return {
    ...NOTHING,
    putChildren: child && !isThere ? [child] : [],
    removeChildren: [...surplus, ...(start?.replaced ?? [])].map(({ uid }) => uid),
    ...(wakeAtMs === undefined ? {} : { wakeAtMs }),
    events,
    status: {
      ...(running.length === 0
        ? {}
        : {
            active: running.map(({ name, uid }) => ({
              apiVersion: 'batch/v1',
              kind: 'Job',
              name,
              namespace: object.namespace,
              uid,
            })),
          }),
      ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }),
      ...lastSuccess(jobs, object),
    },
  }
}

/** The run that is due now, unless its time is past or another one is in its way. */
function startDue(
  { object, nowMs }: WorkloadInput,
  spec: V1CronJobSpec,
  active: readonly WorkloadRecord[],
  events: WorkloadEvent[],
): Start | undefined {
  const schedule = parseSchedule(spec.schedule)
  if (!schedule) return undefined
  const last = object.progress?.status.lastScheduleTime as string | undefined
  const since = Date.parse(last ?? object.createdAt)
  const { startingDeadlineSeconds: deadline } = spec
  const afterMs = deadline === undefined ? since : Math.max(since, nowMs - deadline * 1000)
  const zone = spec.timeZone === undefined ? {} : { timeZone: spec.timeZone }
  const due = lastDue(schedule, { afterMs, untilMs: nowMs, ...zone })
  if (due.isTooMany)
    events.push(
      warningEvent(
        'TooManyMissedTimes',
        'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
      ),
    )
  if (due.atMs === undefined) return undefined
  if (active.length === 0 || spec.concurrencyPolicy === 'Allow') return { atMs: due.atMs, replaced: [] }
  if (spec.concurrencyPolicy === 'Replace') return { atMs: due.atMs, replaced: active }
  events.push(
    normal('JobAlreadyActive', 'Not starting job because prior execution is running and concurrency policy is Forbid'),
  )
  return undefined
}

/** Finished jobs beyond what the limits keep, the oldest. */
function oldHistory(jobs: readonly WorkloadRecord[], spec: V1CronJobSpec): readonly WorkloadRecord[] {
  const surplus = (type: 'Complete' | 'Failed', limit: number) => {
    const finished = jobs
      .filter(job => finishedCondition(job)?.type === type)
      .toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt))
    return finished.slice(0, Math.max(0, finished.length - limit))
  }
  return [
    ...surplus('Complete', spec.successfulJobsHistoryLimit ?? 3),
    ...surplus('Failed', spec.failedJobsHistoryLimit ?? 1),
  ]
}

function lastSuccess(jobs: readonly WorkloadRecord[], object: WorkloadRecord): object {
  const times = jobs.map(job => job.progress?.status.completionTime as string | undefined)
  const known = object.progress?.status.lastSuccessfulTime as string | undefined
  const last = [...times, known]
    .filter(time => time !== undefined)
    .toSorted()
    .at(-1)
  return last === undefined ? {} : { lastSuccessfulTime: last }
}

function isManual(job: WorkloadRecord): boolean {
  return (job.value as V1Job).metadata?.annotations?.[MANUAL] === 'manual'
}

/** Named after its minute, so that the same run is never begun twice. */
function jobOf(object: WorkloadRecord, spec: V1CronJobSpec, atMs: number): ChildObject {
  const name = `${object.name}-${Math.floor(atMs / 60_000)}`
  // Runs of less than a minute apart need names of their own.
  const unique = atMs % 60_000 === 0 ? name : `${name}-${Math.floor((atMs % 60_000) / 1000)}`
  const annotations = { [SCHEDULED_AT]: timeText(atMs) }
  return jobChild(object, spec, { name: unique, annotations, seed: atMs })
}

export interface JobChildOptions {
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  /** Makes the uid another one than that of an earlier job of this name. */
  readonly seed: unknown
}

/** A Job of the CronJob's template. */
export function jobChild(object: WorkloadRecord, spec: V1CronJobSpec, options: JobChildOptions): ChildObject {
  const { metadata, spec: body } = spec.jobTemplate
  const value: V1Job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      annotations: { ...metadata?.annotations, ...options.annotations },
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      name: options.name,
      namespace: object.namespace,
      ownerReferences: [
        {
          apiVersion: object.apiVersion,
          blockOwnerDeletion: true,
          controller: true,
          kind: object.kind,
          name: object.name,
          uid: object.uid,
        },
      ],
    },
    ...(body === undefined ? {} : { spec: body }),
  }
  const uid = uuidOf(['Job', object.uid, options.name, options.seed])
  return { apiVersion: 'batch/v1', kind: 'Job', name: options.name, uid, value }
}

/** The annotations of a Job that somebody asks for. */
export const MANUAL_JOB = { [MANUAL]: 'manual' }
