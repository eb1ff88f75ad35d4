/** Job and CronJob. Source: k8s.io/kubernetes/pkg/apis/batch/validation/validation.go. */
import type { V1CronJob, V1Job, V1JobSpec } from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { invalid, notSupported, required } from '../finding.ts'
import { checkNotNegative, checkOneOf, type Findings } from './check.ts'
import { checkSchedule } from './cron.ts'
import { checkFailurePolicy, checkSuccessPolicy } from './job-policies.ts'
import { checkDnsLabel } from './names.ts'
import { checkPodTemplate } from './pod.ts'
import { checkSelector, selectorMatches } from './selector.ts'

const maxIndexedParallelism = 100_000

export function* checkJob(job: V1Job): Findings {
  const at = ['spec']
  const { spec } = job
  if (spec === undefined) {
    yield required([...at, 'template', 'spec', 'containers'])
    return
  }
  yield* checkJobSpec(at, spec)
  yield* checkSelection(job, spec)
  const name = job.metadata?.name ?? ''
  // The name becomes a label of the pods.
  if (name.length > 63) {
    const finding = invalid(['spec', 'template', 'labels'], name, 'must be no more than 63 bytes')
    yield { ...finding, at: ['metadata', 'name'] }
  }
  const last = (spec.completions ?? 1) - 1
  if (spec.completionMode === 'Indexed' && name !== '' && last >= 0)
    if (checkDnsLabel(`${name}-${last}`).length > 0)
      yield invalid(['metadata', 'name'], name, `will not able to create pod with invalid DNS label: ${name}-${last}`)
}

function* checkSelection(job: V1Job, spec: V1JobSpec): Findings {
  const { selector } = spec
  if (selector === undefined) return
  yield* checkSelector(['spec', 'selector'], selector)
  const labels = spec.template?.metadata?.labels ?? {}
  if (spec.manualSelector === true) {
    if (!selectorMatches(selector, labels))
      yield invalid(['spec', 'template', 'metadata', 'labels'], labels, '`selector` does not match template `labels`')
    return
  }
  // What a cluster generated for this very job comes back with `kubectl get -o yaml`.
  const uid = job.metadata?.uid
  const generated = ['batch.kubernetes.io/controller-uid', 'controller-uid']
  if (uid !== undefined && generated.some(key => selector.matchLabels?.[key] === uid)) return
  yield invalid(['spec', 'selector'], selector, '`selector` not auto-generated')
}

function* checkJobSpec(at: FieldPath, spec: V1JobSpec): Findings {
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const)
    yield* checkNotNegative([...at, field], spec[field])
  yield* checkCompletionMode(at, spec)
  if (spec.template !== undefined) yield* checkPodTemplate([...at, 'template'], spec.template)
  const policy = spec.template?.spec?.restartPolicy || 'Always'
  const policyAt = [...at, 'template', 'spec', 'restartPolicy']
  if (policy === 'Always' && spec.template?.spec !== undefined)
    yield required(policyAt, 'valid values: "OnFailure", "Never"')
  else if (spec.podFailurePolicy !== undefined && policy !== 'Never')
    yield invalid(policyAt, policy, 'only "Never" is supported when podFailurePolicy is specified')
  yield* checkFailurePolicy([...at, 'podFailurePolicy'], spec)
  yield* checkSuccessPolicy([...at, 'successPolicy'], spec)
  const replacements = spec.podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed']
  yield* checkOneOf([...at, 'podReplacementPolicy'], spec.podReplacementPolicy, replacements)
}

function* checkCompletionMode(at: FieldPath, spec: V1JobSpec): Findings {
  const mode = spec.completionMode
  yield* checkOneOf([...at, 'completionMode'], mode, ['NonIndexed', 'Indexed'])
  if (mode === 'Indexed') {
    if (spec.completions === undefined) yield required([...at, 'completions'], 'when completion mode is Indexed')
    const { parallelism } = spec
    if (parallelism !== undefined && parallelism > maxIndexedParallelism) {
      const detail = `must be less than or equal to ${maxIndexedParallelism} when completion mode is Indexed`
      yield invalid([...at, 'parallelism'], parallelism, detail)
    }
    const { maxFailedIndexes, completions } = spec
    if (maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
      yield required([...at, 'backoffLimitPerIndex'], 'when maxFailedIndexes is specified')
    if (maxFailedIndexes !== undefined && completions !== undefined && maxFailedIndexes > completions)
      yield invalid([...at, 'maxFailedIndexes'], maxFailedIndexes, 'must be less than or equal to completions')
    return
  }
  for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const)
    if (spec[field] !== undefined) yield invalid([...at, field], spec[field], 'requires indexed completion mode')
}

/** Eleven characters are kept for what a CronJob adds to the names of its jobs. */
const maxCronJobName = 52

export function* checkCronJob(cronJob: V1CronJob): Findings {
  const at = ['spec']
  const { spec } = cronJob
  const name = cronJob.metadata?.name ?? ''
  if (name.length > maxCronJobName)
    yield invalid(['metadata', 'name'], name, `must be no more than ${maxCronJobName} characters`)
  if (spec === undefined) {
    yield required([...at, 'schedule'])
    return
  }
  yield* checkSchedule([...at, 'schedule'], spec.schedule)
  yield* checkTimeZone([...at, 'timeZone'], spec.timeZone)
  for (const field of ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const)
    yield* checkNotNegative([...at, field], spec[field])
  yield* checkOneOf([...at, 'concurrencyPolicy'], spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'])
  const job = spec.jobTemplate?.spec
  if (job === undefined) return
  const jobAt = [...at, 'jobTemplate', 'spec']
  yield* checkJobSpec(jobAt, job)
  if (job.selector !== undefined)
    yield invalid([...jobAt, 'selector'], job.selector, '`selector` will be auto-generated')
  if (job.manualSelector === true) yield notSupported([...jobAt, 'manualSelector'], true, ['nil', 'false'])
}

function* checkTimeZone(at: FieldPath, zone: string | undefined): Findings {
  if (zone === undefined) return
  if (zone === '') yield invalid(at, zone, 'timeZone must be nil or non-empty string')
  else if (zone.toLowerCase() === 'local')
    yield invalid(at, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones')
  else if (!isTimeZone(zone)) yield invalid(at, zone, `unknown time zone ${zone}`)
}

function isTimeZone(zone: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(zone)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}
