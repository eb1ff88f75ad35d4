/** Any recorded object as an API server shows it, its status counted from its pods. */
import type { V1JobSpec, V1PersistentVolumeClaim } from '@kubernetes/client-node'
import { withDefaults } from '../manifest/defaults.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { decideWorkload, generationOf, isWorkload, OBSERVING, observedGeneration } from '../workloads/decide.ts'
import type { Progress } from '../workloads/types.ts'
import type { PodObject } from './pod-object.ts'
import { canonicalQuantities } from './quantities.ts'
import { jobUidLabels, type WireObject, wireTime } from './wire.ts'

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
  /** uid of the object whose controller made it. */
  readonly owner?: string
  /** What its controller remembers. */
  readonly progress?: Progress
}

/** What an object's status is counted from. */
export interface Relations {
  /** What the object's controller made. */
  readonly children: readonly RecordedObject[]
  /** Those of the object and of its children. */
  readonly pods: readonly PodObject[]
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

export function objectView(record: RecordedObject, relations: Relations): WireObject {
  const value = withDefaults(record.value as KubernetesObject)
  const { metadata, apiVersion, kind, ...rest } = value as KubernetesObject & { spec?: object; status?: object }
  const status = isWorkload(kind) ? workloadStatus(record, relations) : statusOf(value)
  return {
    apiVersion,
    kind,
    metadata: {
      ...(metadata as object),
      ...annotationsOf(record, relations),
      creationTimestamp: wireTime(record.createdAt),
      generation: generationOf(record),
      name: record.name,
      ...(record.namespace === '' ? {} : { namespace: record.namespace }),
      uid: record.uid,
    },
    ...dataOf(record, 'spec' in rest ? { ...rest, spec: canonicalQuantities(rest.spec) } : rest),
    ...(status === undefined ? {} : { status: canonicalQuantities(status) }),
  } as WireObject
}

/** As its controller would write it now. */
function workloadStatus(record: RecordedObject, { children, pods, nowMs }: Relations): object {
  const { status } = decideWorkload({ object: record, children, pods, nowMs, limits: { initialMs: 0, maxMs: 0 } })
  if (!OBSERVING.has(record.kind)) return status
  const sorted = Object.entries({ ...status, observedGeneration: observedGeneration(record) })
  return Object.fromEntries(sorted.sort(([a], [b]) => (a < b ? -1 : 1)))
}

const REVISION = 'deployment.kubernetes.io/revision'

/** The revision that a Deployment's newest ReplicaSet has. */
function annotationsOf({ kind, value }: RecordedObject, { children }: Relations): object {
  if (kind !== 'Deployment') return {}
  const revisions = children.map(child =>
    Number((child.value as KubernetesObject).metadata.annotations?.[REVISION] ?? 0),
  )
  const annotations = (value as KubernetesObject).metadata.annotations
  if (revisions.length === 0) return {}
  return { annotations: { ...annotations, [REVISION]: String(Math.max(...revisions)) } }
}

/** An API server keeps a Secret's `stringData` as `data`. */
function dataOf({ kind, uid, name }: RecordedObject, rest: object): object {
  if (kind === 'Job') return jobData(uid, name, rest)
  if (kind !== 'Secret' || !('stringData' in rest)) return rest
  const { stringData, data, ...others } = rest as {
    readonly stringData: Readonly<Record<string, string>>
    readonly data?: Readonly<Record<string, string>>
  }
  const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text, 'utf8').toString('base64')])
  return { data: { ...data, ...Object.fromEntries(encoded) }, ...others }
}

/** A cluster chooses the labels by which a Job knows its pods. */
function jobData(uid: string, name: string, rest: { readonly spec?: Partial<V1JobSpec> }): object {
  if (!rest.spec || rest.spec.selector) return rest
  const { template } = rest.spec
  const labels = {
    ...template?.metadata?.labels,
    'batch.kubernetes.io/job-name': name,
    'job-name': name,
    ...jobUidLabels(uid),
  }
  const selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } }
  return {
    ...rest,
    spec: { ...rest.spec, selector, template: { ...template, metadata: { ...template?.metadata, labels } } },
  }
}

function statusOf(value: KubernetesObject): object | undefined {
  switch (value.kind) {
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

function claimStatus({ spec }: V1PersistentVolumeClaim): object {
  return {
    accessModes: spec?.accessModes ?? [],
    capacity: { storage: spec?.resources?.requests?.storage ?? '0' },
    phase: 'Bound',
  }
}
