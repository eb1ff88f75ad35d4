/** Any recorded object as an API server shows it, its status counted from its pods. */
import type { V1Deployment, V1PersistentVolumeClaim, V1StatefulSet } from '@kubernetes/client-node'
import { withDefaults } from '../manifest/defaults.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import type { PodObject } from './pod-object.ts'
import { type WireObject, wireTime } from './wire.ts'

/** What is recorded of an object. */
export interface RecordedObject {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly createdAt: string
  /** As the manifest says it. */
  readonly value: object
}

/** `pods`: those the object owns. */
export function objectView(record: RecordedObject, pods: readonly PodObject[]): WireObject {
  const value = withDefaults(record.value as KubernetesObject)
  const { metadata, apiVersion, kind, ...rest } = value as KubernetesObject & { spec?: object; status?: object }
  const status = statusOf(value, pods, wireTime(record.createdAt))
  return {
    apiVersion,
    kind,
    metadata: {
      ...(metadata as object),
      creationTimestamp: wireTime(record.createdAt),
      generation: 1,
      name: record.name,
      ...(record.namespace === '' ? {} : { namespace: record.namespace }),
      uid: record.uid,
    },
    ...dataOf(kind, rest),
    ...(status === undefined ? {} : { status }),
  } as WireObject
}

/** An API server keeps a Secret's `stringData` as `data`. */
function dataOf(kind: string, rest: object): object {
  if (kind !== 'Secret' || !('stringData' in rest)) return rest
  const { stringData, data, ...others } = rest as {
    readonly stringData: Readonly<Record<string, string>>
    readonly data?: Readonly<Record<string, string>>
  }
  const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text, 'utf8').toString('base64')])
  return { data: { ...data, ...Object.fromEntries(encoded) }, ...others }
}

function statusOf(value: KubernetesObject, pods: readonly PodObject[], createdAt: string): object | undefined {
  switch (value.kind) {
    case 'Deployment':
      return deploymentStatus(value as V1Deployment & KubernetesObject, pods, createdAt)
    case 'ReplicaSet': {
      const { replicas, readyReplicas } = counts(pods)
      return {
        ...some('availableReplicas', readyReplicas),
        ...some('fullyLabeledReplicas', replicas),
        observedGeneration: 1,
        ...some('readyReplicas', readyReplicas),
        replicas,
      }
    }
    case 'StatefulSet':
      return statefulSetStatus(value as V1StatefulSet & KubernetesObject, pods)
    case 'DaemonSet': {
      const { replicas, readyReplicas } = counts(pods)
      return {
        currentNumberScheduled: replicas,
        desiredNumberScheduled: 1,
        ...some('numberAvailable', readyReplicas),
        numberMisscheduled: 0,
        numberReady: readyReplicas,
        ...some('numberUnavailable', 1 - readyReplicas),
        observedGeneration: 1,
        updatedNumberScheduled: replicas,
      }
    }
    case 'Job':
      return jobStatus(pods)
    case 'PersistentVolumeClaim':
      return claimStatus(value as V1PersistentVolumeClaim & KubernetesObject)
    case 'PersistentVolume':
      return { phase: 'Available' }
    case 'Namespace':
      return { phase: 'Active' }
    case 'Service':
      return { loadBalancer: {} }
    default:
      return undefined
  }
}

interface Counts {
  readonly replicas: number
  readonly readyReplicas: number
}

function counts(pods: readonly PodObject[]): Counts {
  const present = pods.filter(pod => pod.metadata.deletionTimestamp === undefined)
  return { replicas: present.length, readyReplicas: present.filter(isReady).length }
}

function isReady(pod: PodObject): boolean {
  return pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
}

/** A count of 0 is left out, as Go's `omitempty` does. */
function some(name: string, value: number): object {
  return value > 0 ? { [name]: value } : {}
}

function deploymentStatus({ spec }: V1Deployment, pods: readonly PodObject[], createdAt: string): object {
  const { replicas, readyReplicas } = counts(pods)
  const wanted = spec?.replicas ?? 1
  const unavailable = Math.max(0, wanted - readyReplicas)
  const isAvailable = unavailable <= maxUnavailable(spec?.strategy?.rollingUpdate?.maxUnavailable, wanted)
  const times = { lastTransitionTime: createdAt, lastUpdateTime: createdAt }
  return {
    ...some('availableReplicas', readyReplicas),
    conditions: [
      {
        ...times,
        message: isAvailable
          ? 'Deployment has minimum availability.'
          : 'Deployment does not have minimum availability.',
        reason: isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
        status: isAvailable ? 'True' : 'False',
        type: 'Available',
      },
      {
        ...times,
        message: unavailable === 0 ? 'Deployment has successfully progressed.' : 'Deployment is waiting for its pods.',
        reason: unavailable === 0 ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
        status: 'True',
        type: 'Progressing',
      },
    ],
    observedGeneration: 1,
    ...some('readyReplicas', readyReplicas),
    ...some('replicas', replicas),
    ...some('unavailableReplicas', unavailable),
    ...some('updatedReplicas', replicas),
  }
}

/** A number, or a part of the replicas rounded down. */
function maxUnavailable(value: number | string | undefined, replicas: number): number {
  if (typeof value === 'number') return value
  return Math.floor((Number.parseFloat(value ?? '0') * replicas) / 100)
}

function statefulSetStatus({ spec }: V1StatefulSet, pods: readonly PodObject[]): object {
  const { replicas, readyReplicas } = counts(pods)
  return {
    availableReplicas: readyReplicas,
    ...some('currentReplicas', replicas),
    observedGeneration: 1,
    ...some('readyReplicas', readyReplicas),
    replicas,
    ...some('updatedReplicas', spec?.replicas === 0 ? 0 : replicas),
  }
}

function jobStatus(pods: readonly PodObject[]): object {
  const number = (phase: string) => pods.filter(pod => pod.status.phase === phase).length
  const active = number('Running') + number('Pending')
  return {
    ...some('active', active),
    ...some('failed', number('Failed')),
    ready: pods.filter(isReady).length,
    ...some('succeeded', number('Succeeded')),
  }
}

function claimStatus({ spec }: V1PersistentVolumeClaim): object {
  return {
    accessModes: spec?.accessModes ?? [],
    capacity: { storage: spec?.resources?.requests?.storage ?? '0' },
    phase: 'Bound',
  }
}
