/** Workloads as the pods they stand for, named as Kubernetes' controllers name them. */
import type {
  V1Container,
  V1CronJob,
  V1DaemonSet,
  V1Deployment,
  V1Job,
  V1JobSpec,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodTemplateSpec,
  V1ReplicaSet,
  V1StatefulSet,
  V1StatefulSetSpec,
} from '@kubernetes/client-node'
import type { FieldPath } from '../diagnostic.ts'
import { withDefaults } from '../manifest/defaults.ts'
import type { KubernetesObject, ManifestObject } from '../manifest/types.ts'
import type { PodSource } from './context.ts'
import { generatedName, templateHash, uuidOf } from './names.ts'

export interface Expansion {
  readonly pods: readonly PodSource[]
  /** Where the pod's fields stand in the object: findings of a pod are told there. */
  readonly podPath: FieldPath
  /** Made for the pods: the claims of a StatefulSet's templates. */
  readonly claims?: readonly V1PersistentVolumeClaim[]
  /** Pods as they will be made another time: checked, not made. */
  readonly later?: readonly PodSource[]
  /** What pods would be made of, where none is to be made until somebody changes the object. */
  readonly idle?: V1PodTemplateSpec
}

type Expander = (object: ManifestObject) => Expansion

/** The kinds that pods are made for. */
const EXPANDERS: Readonly<Record<string, Expander>> = {
  Pod: expandPod,
  Deployment: expandDeployment,
  ReplicaSet: expandReplicaSet,
  ReplicationController: expandReplicaSet,
  StatefulSet: expandStatefulSet,
  DaemonSet: expandDaemonSet,
  Job: expandJob,
  CronJob: expandCronJob,
}

/** The pods an object stands for; undefined for a kind that is no workload. */
export function expandObject(object: ManifestObject): Expansion | undefined {
  return EXPANDERS[object.kind]?.(object)
}

/** Where kubectl keeps the manifest it applied last. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/**
 * What an API server and kubectl make themselves (uid, status...) is left out, so that the output of `kubectl get` is the
 * same pod.
 */
function expandPod(object: ManifestObject): Expansion {
  const { namespace, name } = object
  const { apiVersion, kind, metadata = {}, spec } = withDefaults(object.value) as V1Pod
  const { generateName, labels } = metadata
  const { [LAST_APPLIED]: _bookkeeping, ...annotations } = metadata.annotations ?? {}
  const pod: V1Pod = {
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(kind === undefined ? {} : { kind }),
    metadata: {
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ...(generateName === undefined ? {} : { generateName }),
      ...(labels === undefined ? {} : { labels }),
      name,
      namespace,
    },
    ...(spec === undefined ? {} : { spec }),
  }
  return { pods: [{ pod, namespace, name }], podPath: [] }
}

const TEMPLATE_PATH: FieldPath = ['spec', 'template']

function expandDeployment(object: ManifestObject): Expansion {
  const { spec } = withDefaults(object.value) as V1Deployment
  if (!spec) return { pods: [], podPath: TEMPLATE_PATH }
  // A paused Deployment makes no new ReplicaSet, and a new one has no old.
  if (spec.paused) return ofTemplate(spec.template, [])
  const hash = templateHash(spec.template)
  const replicaSet = { kind: 'ReplicaSet', name: `${object.name}-${hash}` }
  const labels = { [TEMPLATE_HASH]: hash }
  return ofTemplate(spec.template, replicas(object, spec.template, spec.replicas ?? 1, replicaSet, labels))
}

function expandReplicaSet(object: ManifestObject): Expansion {
  const { spec } = withDefaults(object.value) as V1ReplicaSet
  if (!spec?.template) return { pods: [], podPath: TEMPLATE_PATH }
  return ofTemplate(spec.template, replicas(object, spec.template, spec.replicas ?? 1, object, {}))
}

function expandDaemonSet(object: ManifestObject): Expansion {
  const { spec } = withDefaults(object.value) as V1DaemonSet
  if (!spec) return { pods: [], podPath: TEMPLATE_PATH }
  const labels = { [REVISION_HASH]: templateHash(spec.template) }
  return { pods: replicas(object, spec.template, 1, object, labels), podPath: TEMPLATE_PATH }
}

function expandJob(object: ManifestObject): Expansion {
  const { spec } = withDefaults(object.value) as V1Job
  if (!spec) return { pods: [], podPath: TEMPLATE_PATH }
  if (spec.suspend) return ofTemplate(spec.template, [])
  const count = Math.min(spec.parallelism ?? 1, spec.completions ?? Number.POSITIVE_INFINITY)
  const taken = new Set<string>()
  const pods = Array.from({ length: count }, (_, ordinal) => {
    const index = spec.completionMode === 'Indexed' ? { index: ordinal, failures: 0 } : undefined
    const pod = jobPod({
      object,
      spec,
      seed: [object.kind, object.namespace, object.name, spec.template, ordinal],
      taken,
      index,
    })
    taken.add(pod.name)
    return pod
  })
  return ofTemplate(spec.template, pods)
}

/** The template's pods that are checked when no pod is made yet: a CronJob's jobs come later. */
function expandCronJob(object: ManifestObject): Expansion {
  const { spec } = withDefaults(object.value) as V1CronJob
  const podPath = ['spec', 'jobTemplate', 'spec', 'template']
  const job = spec?.jobTemplate?.spec
  if (!job) return { pods: [], podPath }
  const source = jobPod({ object, spec: job, seed: [object.name], taken: new Set(), index: undefined })
  return { pods: [], podPath, later: [source] }
}

/** `NAME-0`, `NAME-1`...: each keeps its name, and the claims made from the templates keep theirs. */
function expandStatefulSet(object: ManifestObject): Expansion {
  const { spec } = withDefaults(object.value) as V1StatefulSet
  if (!spec) return { pods: [], podPath: TEMPLATE_PATH }
  const start = spec.ordinals?.start ?? 0
  const ordinals = Array.from({ length: spec.replicas ?? 1 }, (_, index) => start + index)
  return {
    ...ofTemplate(
      spec.template,
      ordinals.map(ordinal => statefulPod(object, spec, ordinal)),
    ),
    claims: ordinals.flatMap(ordinal => ordinalClaims(object, spec, ordinal)),
  }
}

/** Labels that say which template a pod was made from. */
export const TEMPLATE_HASH = 'pod-template-hash'
export const REVISION_HASH = 'controller-revision-hash'

/** What a pod has to know of the object that it is made for. */
export type WorkloadName = Pick<ManifestObject, 'kind' | 'apiVersion' | 'namespace' | 'name'>

/** What the `controller-revision-hash` label of a StatefulSet's pods says. */
export function statefulRevision(name: string, template: V1PodTemplateSpec): string {
  return `${name}-${templateHash(template)}`
}

/** The pod of one ordinal. */
export function statefulPod(object: WorkloadName, spec: V1StatefulSetSpec, ordinal: number): PodSource {
  const name = `${object.name}-${ordinal}`
  const labels = {
    'apps.kubernetes.io/pod-index': String(ordinal),
    [REVISION_HASH]: statefulRevision(object.name, spec.template),
    'statefulset.kubernetes.io/pod-name': name,
  }
  const claimed = (spec.volumeClaimTemplates ?? []).flatMap(({ metadata }) => {
    const volume = metadata?.name
    return volume ? [{ name: volume, persistentVolumeClaim: { claimName: `${volume}-${name}` } }] : []
  })
  const replaced = new Set(claimed.map(volume => volume.name))
  const podSpec = spec.template.spec
  const volumes = [...(podSpec?.volumes ?? []).filter(volume => !replaced.has(volume.name)), ...claimed]
  const template = podSpec && {
    ...spec.template,
    spec: {
      ...podSpec,
      hostname: name,
      ...(spec.serviceName ? { subdomain: spec.serviceName } : {}),
      ...(volumes.length > 0 ? { volumes } : {}),
    },
  }
  return templatePod({ object, template: template ?? spec.template, name, owner: object, labels })
}

/** The claims of one ordinal's pod. */
export function ordinalClaims(
  object: WorkloadName,
  spec: V1StatefulSetSpec,
  ordinal: number,
): readonly V1PersistentVolumeClaim[] {
  return (spec.volumeClaimTemplates ?? []).map(template => ({
    ...template,
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...template.metadata,
      labels: { ...spec.selector.matchLabels, ...template.metadata?.labels },
      name: `${template.metadata?.name}-${object.name}-${ordinal}`,
      namespace: object.namespace,
    },
  }))
}

export interface JobPodRequest {
  readonly object: WorkloadName
  readonly spec: V1JobSpec
  /** Decides the name's last letters. */
  readonly seed: unknown
  /** Names that pods have. */
  readonly taken: ReadonlySet<string>
  /** Of an Indexed job, and how often that index failed before. */
  readonly index: { readonly index: number; readonly failures: number } | undefined
}

const INDEX = 'batch.kubernetes.io/job-completion-index'
const INDEX_FAILURES = 'batch.kubernetes.io/job-index-failure-count'

/** A pod of a Job. Source: k8s.io/kubernetes pkg/controller/job/indexed_job_utils.go. */
export function jobPod({ object, spec, seed, taken, index }: JobPodRequest): PodSource {
  const base = { 'batch.kubernetes.io/job-name': object.name, 'job-name': object.name }
  if (index === undefined) {
    const name = generatedName(`${object.name}-`, seed, taken)
    return templatePod({ object, template: spec.template, name, owner: object, labels: base })
  }
  const name = generatedName(`${object.name}-${index.index}-`, seed, taken)
  const number = String(index.index)
  const annotations = {
    ...spec.template.metadata?.annotations,
    [INDEX]: number,
    ...(spec.backoffLimitPerIndex === undefined ? {} : { [INDEX_FAILURES]: String(index.failures) }),
  }
  const podSpec = spec.template.spec
  const template: V1PodTemplateSpec = {
    metadata: { ...spec.template.metadata, annotations },
    ...(podSpec === undefined
      ? {}
      : {
          spec: {
            ...podSpec,
            hostname: `${object.name}-${number}`,
            containers: podSpec.containers.map(withIndex),
            ...(podSpec.initContainers ? { initContainers: podSpec.initContainers.map(withIndex) } : {}),
          },
        }),
  }
  return templatePod({ object, template, name, owner: object, labels: { ...base, [INDEX]: number } })
}

function withIndex(container: V1Container): V1Container {
  const name = 'JOB_COMPLETION_INDEX'
  if (container.env?.some(variable => variable.name === name)) return container
  const valueFrom = { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.annotations['${INDEX}']` } }
  return { ...container, env: [...(container.env ?? []), { name, valueFrom }] }
}

function ofTemplate(template: V1PodTemplateSpec, pods: readonly PodSource[]): Expansion {
  return { pods, podPath: TEMPLATE_PATH, ...(pods.length > 0 ? {} : { idle: template }) }
}

interface Owner {
  readonly kind: string
  readonly name: string
}

/** The i-th name depends on the template and on i alone, so that the same manifest gives the same plan. */
function replicas(
  object: ManifestObject,
  template: V1PodTemplateSpec,
  count: number,
  owner: Owner,
  labels: Readonly<Record<string, string>>,
): readonly PodSource[] {
  const taken = new Set<string>()
  return Array.from({ length: count }, (_, ordinal) => {
    const name = generatedName(`${owner.name}-`, [object.kind, object.namespace, object.name, template, ordinal], taken)
    taken.add(name)
    return templatePod({ object, template, name, owner, labels })
  })
}

export interface TemplatePod {
  /** The object of the manifest that the pod is there for. */
  readonly object: WorkloadName
  readonly template: V1PodTemplateSpec
  readonly name: string
  /** The object that made it: a Deployment's ReplicaSet, else the same. */
  readonly owner: Owner
  readonly labels: Readonly<Record<string, string>>
}

/** A pod of a template. */
export function templatePod({ object, template, name, owner, labels }: TemplatePod): PodSource {
  const { namespace } = object
  const reference = {
    apiVersion: object.apiVersion,
    blockOwnerDeletion: true,
    controller: true,
    kind: owner.kind,
    name: owner.name,
    uid: uuidOf([owner.kind, namespace, owner.name]),
  }
  const pod: V1Pod & KubernetesObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(template.metadata?.annotations ? { annotations: template.metadata.annotations } : {}),
      ...(template.metadata?.finalizers ? { finalizers: template.metadata.finalizers } : {}),
      generateName: `${owner.name}-`,
      labels: { ...template.metadata?.labels, ...labels },
      name,
      namespace,
      ownerReferences: [reference],
    },
    ...(template.spec ? { spec: template.spec } : {}),
  }
  return { pod: withDefaults(pod), namespace, name, owner: { kind: object.kind, name: object.name } }
}
