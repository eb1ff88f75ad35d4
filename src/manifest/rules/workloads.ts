/** Deployment, ReplicaSet, StatefulSet and DaemonSet. Source: k8s.io/kubernetes/pkg/apis/apps/validation/validation.go. */
import type {
  V1DaemonSet,
  V1Deployment,
  V1LabelSelector,
  V1PodTemplateSpec,
  V1ReplicaSet,
  V1ReplicationController,
  V1StatefulSet,
} from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { forbidden, invalid, notSupported, required } from '../finding.ts'
import { checkNotNegative, checkOneOf, entriesAt, type Findings } from './check.ts'
import { checkPercent, notNegative } from './names.ts'
import { checkPodTemplate } from './pod.ts'
import { checkSelector, isEmptySelector, selectorMatches } from './selector.ts'

interface Workload {
  readonly selector?: V1LabelSelector
  readonly template?: V1PodTemplateSpec
}

/** A selector that is there, not empty and picks the template's pods. */
function* checkSelection(at: FieldPath, spec: Workload, kind: string, extraVolumes?: readonly string[]): Findings {
  const { selector, template } = spec
  if (selector !== undefined) {
    yield* checkSelector([...at, 'selector'], selector)
    if (isEmptySelector(selector)) yield invalid([...at, 'selector'], selector, `empty selector is invalid for ${kind}`)
    else if (template !== undefined && !selectorMatches(selector, template.metadata?.labels ?? {}))
      yield invalid(
        [...at, 'template', 'metadata', 'labels'],
        template.metadata?.labels ?? {},
        '`selector` does not match template `labels`',
      )
  }
  if (template !== undefined) yield* checkPodTemplate([...at, 'template'], template, extraVolumes)
}

/** Pods of these workloads are restarted for ever. */
function* checkAlwaysRestarts(at: FieldPath, template: V1PodTemplateSpec | undefined, kind = 'ReplicaSet'): Findings {
  const spec = template?.spec
  if (spec?.restartPolicy === 'OnFailure' || spec?.restartPolicy === 'Never')
    yield notSupported([...at, 'template', 'spec', 'restartPolicy'], spec.restartPolicy, ['Always'])
  if (spec?.activeDeadlineSeconds !== undefined)
    yield forbidden(
      [...at, 'template', 'spec', 'activeDeadlineSeconds'],
      `activeDeadlineSeconds in ${kind} is not Supported`,
    )
}

type IntOrPercent = number | string

export function* checkIntOrPercent(at: FieldPath, value: IntOrPercent | undefined): Findings {
  if (typeof value === 'number' && value < 0) yield invalid(at, value, notNegative)
  if (typeof value === 'string') for (const message of checkPercent(value)) yield invalid(at, value, message)
}

function percentOf(value: IntOrPercent | undefined): number | undefined {
  return typeof value === 'string' && /^[0-9]+%$/.test(value) ? Number(value.slice(0, -1)) : undefined
}

function isZero(value: IntOrPercent | undefined): boolean {
  return value === 0 || percentOf(value) === 0
}

export function* checkDeployment({ spec }: V1Deployment): Findings {
  const at = ['spec']
  if (spec === undefined) {
    yield required([...at, 'selector'])
    return
  }
  yield* checkNotNegative([...at, 'replicas'], spec.replicas)
  yield* checkSelection(at, spec, 'deployment')
  yield* checkAlwaysRestarts(at, spec.template)
  yield* checkDeploymentStrategy([...at, 'strategy'], spec.strategy)
  yield* checkNotNegative([...at, 'minReadySeconds'], spec.minReadySeconds)
  yield* checkNotNegative([...at, 'revisionHistoryLimit'], spec.revisionHistoryLimit)
  const deadline = spec.progressDeadlineSeconds ?? 600
  yield* checkNotNegative([...at, 'progressDeadlineSeconds'], spec.progressDeadlineSeconds)
  if (deadline >= 0 && deadline <= (spec.minReadySeconds ?? 0))
    yield invalid([...at, 'progressDeadlineSeconds'], deadline, 'must be greater than minReadySeconds')
}

interface Strategy {
  readonly type?: string
  readonly rollingUpdate?: { readonly maxUnavailable?: IntOrPercent; readonly maxSurge?: IntOrPercent }
}

function* checkDeploymentStrategy(at: FieldPath, strategy: Strategy | undefined): Findings {
  if (strategy === undefined) return
  yield* checkOneOf([...at, 'type'], strategy.type, ['Recreate', 'RollingUpdate'])
  const rolling = strategy.rollingUpdate
  if (rolling === undefined) return
  if (strategy.type === 'Recreate') {
    yield forbidden([...at, 'rollingUpdate'], "may not be specified when strategy `type` is 'Recreate'")
    return
  }
  const { maxUnavailable, maxSurge } = rolling
  yield* checkIntOrPercent([...at, 'rollingUpdate', 'maxUnavailable'], maxUnavailable)
  yield* checkIntOrPercent([...at, 'rollingUpdate', 'maxSurge'], maxSurge)
  if (isZero(maxUnavailable) && isZero(maxSurge))
    yield invalid([...at, 'rollingUpdate', 'maxUnavailable'], maxUnavailable, 'may not be 0 when `maxSurge` is 0')
  if ((percentOf(maxUnavailable) ?? 0) > 100)
    yield invalid([...at, 'rollingUpdate', 'maxUnavailable'], maxUnavailable, 'must not be greater than 100%')
}

export function* checkReplicaSet({ spec }: V1ReplicaSet): Findings {
  const at = ['spec']
  if (spec === undefined) {
    yield required([...at, 'selector'])
    return
  }
  yield* checkNotNegative([...at, 'replicas'], spec.replicas)
  yield* checkNotNegative([...at, 'minReadySeconds'], spec.minReadySeconds)
  if (spec.template === undefined) yield required([...at, 'template', 'spec', 'containers'])
  yield* checkSelection(at, spec, 'deployment')
  yield* checkAlwaysRestarts(at, spec.template)
}

/** As a ReplicaSet, with labels for a selector: those of its template unless it says others. */
export function* checkReplicationController({ spec }: V1ReplicationController): Findings {
  const { selector = spec?.template?.metadata?.labels ?? {}, template, ...rest } = spec ?? {}
  if (template === undefined) {
    yield required(['spec', 'template'])
    return
  }
  yield* checkReplicaSet({ spec: { ...rest, selector: { matchLabels: selector }, template } })
}

export function* checkStatefulSet({ spec }: V1StatefulSet): Findings {
  const at = ['spec']
  if (spec === undefined) {
    yield required([...at, 'selector'])
    return
  }
  const managements = ['OrderedReady', 'Parallel']
  if (spec.podManagementPolicy && !managements.includes(spec.podManagementPolicy))
    yield invalid([...at, 'podManagementPolicy'], spec.podManagementPolicy, "must be 'OrderedReady' or 'Parallel'")
  const strategy = spec.updateStrategy
  if (strategy?.type && !['RollingUpdate', 'OnDelete'].includes(strategy.type))
    yield invalid([...at, 'updateStrategy'], strategy, "must be 'RollingUpdate' or 'OnDelete'")
  const rollingAt = [...at, 'updateStrategy', 'rollingUpdate']
  if (strategy?.type === 'OnDelete' && strategy.rollingUpdate !== undefined)
    yield invalid(rollingAt, strategy.rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")
  else {
    yield* checkNotNegative([...rollingAt, 'partition'], strategy?.rollingUpdate?.partition)
    yield* checkIntOrPercent([...rollingAt, 'maxUnavailable'], strategy?.rollingUpdate?.maxUnavailable)
  }
  for (const field of ['whenDeleted', 'whenScaled'] as const)
    yield* checkOneOf(
      [...at, 'persistentVolumeClaimRetentionPolicy', field],
      spec.persistentVolumeClaimRetentionPolicy?.[field],
      ['Retain', 'Delete'],
    )
  yield* checkNotNegative([...at, 'replicas'], spec.replicas)
  yield* checkNotNegative([...at, 'minReadySeconds'], spec.minReadySeconds)
  yield* checkNotNegative([...at, 'ordinals', 'start'], spec.ordinals?.start)
  const claims = (spec.volumeClaimTemplates ?? []).map(claim => claim.metadata?.name ?? '')
  for (const [claimAt, claim] of entriesAt([...at, 'volumeClaimTemplates'], spec.volumeClaimTemplates))
    if (!claim.metadata?.name) yield required([...claimAt, 'metadata', 'name'], 'name or generateName is required')
  yield* checkSelection(at, spec, 'statefulset', claims)
  yield* checkAlwaysRestarts(at, spec.template, 'StatefulSet')
}

export function* checkDaemonSet({ spec }: V1DaemonSet): Findings {
  const at = ['spec']
  if (spec === undefined) {
    yield required([...at, 'selector'])
    return
  }
  yield* checkSelection(at, spec, 'daemonset')
  yield* checkAlwaysRestarts(at, spec.template, 'DaemonSet')
  yield* checkNotNegative([...at, 'minReadySeconds'], spec.minReadySeconds)
  yield* checkNotNegative([...at, 'revisionHistoryLimit'], spec.revisionHistoryLimit)
  const strategy = spec.updateStrategy
  yield* checkOneOf([...at, 'updateStrategy', 'type'], strategy?.type, ['RollingUpdate', 'OnDelete'])
  const rolling = strategy?.rollingUpdate
  if (rolling === undefined) return
  const rollingAt = [...at, 'updateStrategy', 'rollingUpdate']
  yield* checkIntOrPercent([...rollingAt, 'maxUnavailable'], rolling.maxUnavailable)
  yield* checkIntOrPercent([...rollingAt, 'maxSurge'], rolling.maxSurge)
  const surges = rolling.maxSurge !== undefined && !isZero(rolling.maxSurge)
  if (isZero(rolling.maxUnavailable) && !surges)
    yield required([...rollingAt, 'maxUnavailable'], 'cannot be 0 when maxSurge is 0')
  if (surges && rolling.maxUnavailable !== undefined && !isZero(rolling.maxUnavailable))
    yield forbidden([...rollingAt, 'maxSurge'], 'may not be set when maxUnavailable is non-zero')
}
