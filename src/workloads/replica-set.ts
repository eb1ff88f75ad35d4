/** Keeps as many pods of one template as are wanted. Source: k8s.io/kubernetes pkg/controller/replicaset. */
import type { V1ReplicaSet } from '@kubernetes/client-node'
import { withDefaults } from '../manifest/defaults.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import type { PodSource } from '../plan/context.ts'
import { templatePod } from '../plan/expand.ts'
import { generatedName } from '../plan/names.ts'
import { normal, some } from './conditions.ts'
import { countPods, isActive, leastMissed, nextAvailableMs } from './pods.ts'
import { type Decision, NOTHING, type WorkloadInput, type WorkloadRecord } from './types.ts'

export function decideReplicaSet({ object, pods, nowMs }: WorkloadInput): Decision {
  const spec = replicaSetSpec(object)
  const minReadySeconds = spec.minReadySeconds ?? 0
  const active = pods.filter(isActive)
  const lost = pods.filter(pod => pod.isLost && pod.metadata.deletionTimestamp === undefined)
  const missing = (spec.replicas ?? 1) - active.length
  const surplus = leastMissed(active, -missing)
  const create = newPods(object, spec, Math.max(0, missing), { nowMs, taken: pods.map(pod => pod.metadata.name) })
  const counts = countPods(pods, minReadySeconds, nowMs)
  const wakeAtMs = nextAvailableMs(active, minReadySeconds, nowMs)
  return {
    ...NOTHING,
    create,
    remove: [...surplus, ...lost].flatMap(pod => pod.metadata.uid ?? []),
    ...(wakeAtMs === undefined ? {} : { wakeAtMs }),
    events: [
      ...create.map(({ name }) => normal('SuccessfulCreate', `Created pod: ${name}`)),
      ...surplus.map(pod => normal('SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)),
    ],
    status: {
      ...some('availableReplicas', counts.available),
      ...some('fullyLabeledReplicas', counts.replicas),
      ...some('readyReplicas', counts.ready),
      replicas: counts.replicas,
      ...some('terminatingReplicas', counts.terminating),
    },
  }
}

export function replicaSetSpec(object: WorkloadRecord): NonNullable<V1ReplicaSet['spec']> {
  return (withDefaults(object.value as KubernetesObject) as V1ReplicaSet).spec!
}

interface Naming {
  readonly nowMs: number
  readonly taken: readonly string[]
}

/** A name is never used again: the time is a part of what decides it. */
function newPods(
  object: WorkloadRecord,
  spec: NonNullable<V1ReplicaSet['spec']>,
  count: number,
  { nowMs, taken }: Naming,
): readonly PodSource[] {
  const { template } = spec
  if (!template) return []
  const names = new Set(taken)
  return Array.from({ length: count }, (_, index) => {
    const name = generatedName(`${object.name}-`, [object.uid, nowMs, index], names)
    names.add(name)
    return templatePod({ object: topOf(object), template, name, owner: object, labels: {} })
  })
}

/** The object of the manifest: of a Deployment's ReplicaSet, the Deployment. */
function topOf(object: WorkloadRecord): Pick<WorkloadRecord, 'apiVersion' | 'kind' | 'namespace' | 'name'> {
  const owner = (object.value as KubernetesObject).metadata.ownerReferences?.find(({ controller }) => controller)
  if (object.owner === undefined || !owner) return object
  return { apiVersion: owner.apiVersion, kind: owner.kind, namespace: object.namespace, name: owner.name }
}
