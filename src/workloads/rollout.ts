/** Revisions of a workload: how far its rollout is, what it was before. Source: kubectl pkg/polymorphichelpers. */
import type {
  V1DaemonSetSpec,
  V1Deployment,
  V1PodTemplateSpec,
  V1ReplicaSet,
  V1StatefulSetSpec,
} from '@kubernetes/client-node'
import type { KubernetesObject } from '../manifest/types.ts'
import { TEMPLATE_HASH } from '../plan/expand.ts'
import { type DeploymentSpec, REVISION } from './deployment-sets.ts'
import { readRevisions } from './revisions.ts'
import type { WorkloadRecord } from './types.ts'

/** Kinds that have rollouts. */
export const ROLLED_KINDS: readonly string[] = ['Deployment', 'StatefulSet', 'DaemonSet']

export interface RolloutProgress {
  readonly isDone: boolean
  /** In kubectl's words. */
  readonly message: string
  /** It will come to no good end by itself. */
  readonly failure?: string
}

/** An object as an API server shows it, defaults and status included. */
export interface RolledObject {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly generation?: number }
  readonly spec?: object
  readonly status?: object
}

export function rolloutProgress(object: RolledObject): RolloutProgress {
  const { kind, metadata, spec, status } = object
  const counts = (status ?? {}) as Readonly<Record<string, unknown>>
  const count = (name: string) => Number(counts[name] ?? 0)
  if ((metadata.generation ?? 1) > Number(counts.observedGeneration ?? 0)) {
    const words = { Deployment: 'deployment', DaemonSet: 'daemon set', StatefulSet: 'statefulset' }[kind] ?? kind
    return waiting(`Waiting for ${words} spec update to be observed...`)
  }
  if (kind === 'Deployment') return deploymentProgress(object, spec as DeploymentSpec, counts)
  if (kind === 'DaemonSet') return daemonSetProgress(metadata.name, spec as V1DaemonSetSpec, count)
  return statefulSetProgress(spec as V1StatefulSetSpec, counts, count)
}

function waiting(message: string): RolloutProgress {
  return { isDone: false, message }
}

function deploymentProgress(
  { metadata: { name } }: RolledObject,
  spec: DeploymentSpec,
  counts: Readonly<Record<string, unknown>>,
): RolloutProgress {
  const count = (field: string) => Number(counts[field] ?? 0)
  const conditions = (counts.conditions ?? []) as readonly { readonly type: string; readonly reason: string }[]
  if (conditions.some(({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded'))
    return { isDone: false, message: '', failure: `deployment "${name}" exceeded its progress deadline` }
  const wait = (text: string) => waiting(`Waiting for deployment "${name}" rollout to finish: ${text}...`)
  const [updated, wanted] = [count('updatedReplicas'), spec.replicas ?? 1]
  if (updated < wanted) return wait(`${updated} out of ${wanted} new replicas have been updated`)
  const total = count('replicas')
  if (total > updated) return wait(`${total - updated} old replicas are pending termination`)
  const available = count('availableReplicas')
  if (available < updated) return wait(`${available} of ${updated} updated replicas are available`)
  return { isDone: true, message: `deployment "${name}" successfully rolled out` }
}

function daemonSetProgress(name: string, spec: V1DaemonSetSpec, count: (field: string) => number): RolloutProgress {
  if (spec.updateStrategy?.type === 'OnDelete') return { isDone: false, message: '', failure: ONLY_ROLLING }
  const wait = (text: string) => waiting(`Waiting for daemon set "${name}" rollout to finish: ${text}...`)
  const [updated, wanted] = [count('updatedNumberScheduled'), count('desiredNumberScheduled')]
  if (updated < wanted) return wait(`${updated} out of ${wanted} new pods have been updated`)
  const available = count('numberAvailable')
  if (available < wanted) return wait(`${available} of ${wanted} updated pods are available`)
  return { isDone: true, message: `daemon set "${name}" successfully rolled out` }
}

const ONLY_ROLLING = 'rollout status is only available for RollingUpdate strategy type'

function statefulSetProgress(
  spec: V1StatefulSetSpec,
  counts: Readonly<Record<string, unknown>>,
  count: (field: string) => number,
): RolloutProgress {
  if (spec.updateStrategy?.type === 'OnDelete') return { isDone: false, message: '', failure: ONLY_ROLLING }
  const wanted = spec.replicas ?? 1
  const ready = count('readyReplicas')
  if (ready < wanted) return waiting(`Waiting for ${wanted - ready} pods to be ready...`)
  const updated = count('updatedReplicas')
  const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0
  if (partition > 0) {
    const due = wanted - partition
    if (updated < due)
      return waiting(
        `Waiting for partitioned roll out to finish: ${updated} out of ${due} new pods have been updated...`,
      )
    return { isDone: true, message: `partitioned roll out complete: ${updated} new pods have been updated...` }
  }
  const revision = String(counts.updateRevision)
  if (revision !== String(counts.currentRevision))
    return waiting(`waiting for statefulset rolling update to complete ${updated} pods at revision ${revision}...`)
  const current = count('currentReplicas')
  return { isDone: true, message: `statefulset rolling update complete ${current} pods at revision ${revision}...` }
}

export interface RolloutRevision {
  readonly number: number
  readonly changeCause?: string
  readonly template: V1PodTemplateSpec
}

const CHANGE_CAUSE = 'kubernetes.io/change-cause'

/** Oldest first; the last one is the present. */
export function rolloutRevisions(children: readonly WorkloadRecord[]): readonly RolloutRevision[] {
  const cause = (value: object) => {
    const text = (value as KubernetesObject).metadata.annotations?.[CHANGE_CAUSE]
    return text === undefined ? {} : { changeCause: text }
  }
  const sets = children
    .filter(({ kind }) => kind === 'ReplicaSet')
    .map(({ value }) => {
      const { metadata, spec } = value as V1ReplicaSet
      return { number: Number(metadata?.annotations?.[REVISION] ?? 0), ...cause(value), template: plainTemplate(spec) }
    })
  const byUid = new Map(children.map(child => [child.uid, child.value]))
  const others = readRevisions(children).map(({ uid, number, template }) => ({
    number,
    ...cause(byUid.get(uid) ?? { metadata: {} }),
    template,
  }))
  return [...sets, ...others].toSorted((a, b) => a.number - b.number)
}

/** As the Deployment said it: without the label that its controller adds. */
function plainTemplate(spec: V1ReplicaSet['spec']): V1PodTemplateSpec {
  const template = spec?.template ?? {}
  const { [TEMPLATE_HASH]: _hash, ...labels } = template.metadata?.labels ?? {}
  return { ...template, metadata: { ...template.metadata, labels } }
}

/** The workload with another template. */
export function withTemplate<T extends object>(value: T, template: V1PodTemplateSpec): T {
  return { ...value, spec: { ...(value as V1Deployment).spec, template } }
}
