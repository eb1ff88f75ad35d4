/** What playing a manifest again means for workloads that are there already. */
import type { V1Deployment, V1StatefulSet } from '@kubernetes/client-node'
import { withDefaults } from '../manifest/defaults.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { canonicalJson } from '../plan/canonical.ts'

type Spec = Readonly<Record<string, unknown>>

/** Fields that an API server lets nobody change: with another value it is another object, made anew. */
const IMMUTABLE: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['selector'],
  ReplicaSet: ['selector'],
  ReplicationController: [],
  DaemonSet: ['selector'],
  StatefulSet: ['selector', 'serviceName', 'podManagementPolicy', 'volumeClaimTemplates'],
  Job: [
    'selector',
    'template',
    'completionMode',
    'podFailurePolicy',
    'successPolicy',
    'backoffLimitPerIndex',
    'managedBy',
  ],
  CronJob: [],
}

/** Whether the controller can go on with the new object where it was with the old one. */
export function isContinued(old: object, next: object): boolean {
  const [before, after] = [specOf(old), specOf(next)]
  const { kind } = next as KubernetesObject
  const fields = IMMUTABLE[kind]
  if (!fields) return false
  const changed = (field: string) => canonicalJson(before[field] ?? null) !== canonicalJson(after[field] ?? null)
  if (fields.some(changed)) return false
  // The number of an Indexed job's completions may grow and shrink, with its parallelism.
  return kind !== 'Job' || after.completionMode === 'Indexed' || !changed('completions')
}

function specOf(value: object): Spec {
  return ((withDefaults(value as KubernetesObject) as { readonly spec?: Spec }).spec ?? {}) as Spec
}

const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt'

/** The new object with what `kube rollout restart` wrote into the old one: a manifest does not know of it. */
export function withRestart<T extends object>(next: T, old: object): T {
  const at = (old as V1Deployment).spec?.template?.metadata?.annotations?.[RESTARTED_AT]
  const { spec } = next as V1Deployment
  if (at === undefined || !spec?.template || spec.template.metadata?.annotations?.[RESTARTED_AT] !== undefined)
    return next
  return { ...next, spec: { ...spec, template: restartedTemplate(spec.template, at) } }
}

/** Kinds whose number of pods somebody else may choose where their manifest does not. Source: kubectl scale. */
export const SCALED_KINDS: readonly string[] = ['Deployment', 'ReplicaSet', 'ReplicationController', 'StatefulSet']

/** Whether a manifest leaves the number of replicas to others, as one for a HorizontalPodAutoscaler does. */
export function leavesReplicas(value: object): boolean {
  const { kind, spec } = value as V1Deployment
  return SCALED_KINDS.includes(kind ?? '') && spec !== undefined && spec.replicas === undefined
}

/** The new object with the number that `kube scale` wrote into the old one, where neither manifest says one. */
export function withReplicas<T extends object>(next: T, old: object): T {
  const { spec: before } = old as V1Deployment
  const { spec } = next as V1Deployment
  if (before?.replicas === undefined || !leavesReplicas(next)) return next
  return { ...next, spec: { ...spec, replicas: before.replicas } }
}

/** Whether a manifest leaves it to others whether changes of the template wait. Source: kubectl rollout pause. */
export function leavesPaused(value: object): boolean {
  const { kind, spec } = value as V1Deployment
  return kind === 'Deployment' && spec !== undefined && spec.paused === undefined
}

/** The new object as paused or resumed as `kube rollout` left the old one, where neither manifest says which. */
export function withPaused<T extends object>(next: T, old: object): T {
  const { spec: before } = old as V1Deployment
  const { spec } = next as V1Deployment
  if (before?.paused === undefined || !leavesPaused(next)) return next
  return { ...next, spec: { ...spec, paused: before.paused } }
}

type Template = NonNullable<V1Deployment['spec']>['template']

/** The template with the time at which it was asked to start anew. */
export function restartedTemplate(template: Template, at: string): Template {
  const annotations = { ...template.metadata?.annotations, [RESTARTED_AT]: at }
  return { ...template, metadata: { ...template.metadata, annotations } }
}

/**
 * How many of a workload's first pods are made together: a StatefulSet's in their order come one after the other, and the
 * next one only when the one before it is ready.
 */
export function firstPods(value: object): 'all' | 'in order' | 'one' {
  const object = value as KubernetesObject
  if (object.kind !== 'StatefulSet') return 'all'
  const { spec } = withDefaults(object) as V1StatefulSet
  if (spec?.podManagementPolicy === 'Parallel') return 'all'
  const containers = [...(spec?.template.spec?.initContainers ?? []), ...(spec?.template.spec?.containers ?? [])]
  const isReadyAtOnce = containers.every(({ startupProbe, readinessProbe }) => !startupProbe && !readinessProbe)
  return isReadyAtOnce && !spec?.minReadySeconds ? 'in order' : 'one'
}

/** Whether a Job is over: its pods are not made again. */
export function isOver(progress: { readonly status: Readonly<Record<string, unknown>> } | undefined): boolean {
  const conditions = (progress?.status.conditions ?? []) as readonly {
    readonly type: string
    readonly status: string
  }[]
  return conditions.some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True')
}
