/** A pod as a workload of another kind, and a workload as its pod. */
import type { V1ObjectMeta, V1PodSpec, V1PodTemplateSpec, V1StatefulSet } from '@kubernetes/client-node'
import type { KubernetesObject } from '../manifest/types.ts'
import type { PodPlan } from '../plan/types.ts'
import { podTemplateOf } from './pod-spec.ts'
import type { GenerateType } from './types.ts'

export interface Converted {
  readonly object: KubernetesObject
  /** What could not be kept, one sentence each. */
  readonly notes: readonly string[]
}

const KINDS: Readonly<Record<Exclude<GenerateType, 'pod'>, { readonly apiVersion: string; readonly kind: string }>> = {
  deployment: { apiVersion: 'apps/v1', kind: 'Deployment' },
  replicaset: { apiVersion: 'apps/v1', kind: 'ReplicaSet' },
  statefulset: { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  daemonset: { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  job: { apiVersion: 'batch/v1', kind: 'Job' },
}

/** The object's pod as another kind. An object of that kind already only gets its `replicas`. */
export function convert(object: KubernetesObject, type: GenerateType, replicas?: number): Converted {
  const template = podTemplateOf(object)
  if (!template) return { object, notes: [`${object.kind} ${object.metadata.name} has no pod: it stays as it is`] }
  if (type === 'pod') return { object: object.kind === 'Pod' ? object : podFrom(object, template), notes: [] }
  const target = KINDS[type]
  if (object.kind === target.kind) return { object: withReplicas(object, type, replicas), notes: [] }
  return wrap(object, template, type, replicas)
}

function podFrom(object: KubernetesObject, { metadata, spec }: V1PodTemplateSpec): KubernetesObject {
  const { name, namespace } = object.metadata
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...templateMetadata(metadata), ...pick({ name, namespace }) },
    ...(spec === undefined ? {} : { spec }),
  } as KubernetesObject
}

/** The one pod of a workload that has this plan: the template, with what the workload's controller added to it. */
export function podOfPlan(owner: KubernetesObject, plan: PodPlan): KubernetesObject {
  const template = podTemplateOf(owner)
  const made = plan.pod.spec
  const { spec } = template ?? {}
  const { namespace } = owner.metadata
  const volumes = (made?.volumes ?? []).filter(({ name }) => !spec?.volumes?.some(volume => volume.name === name))
  const added: Partial<V1PodSpec> = {
    ...pick({
      hostname: spec?.hostname ?? made?.hostname,
      subdomain: spec?.subdomain ?? made?.subdomain,
    }),
    ...(volumes.length === 0 ? {} : { volumes: [...(spec?.volumes ?? []), ...volumes] }),
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...templateMetadata(template?.metadata), ...pick({ name: plan.name, namespace }) },
    spec: { ...spec, ...added },
  } as KubernetesObject
}

/** The claims that a StatefulSet's templates made for its pod of this name. */
export function claimsOfPod(owner: KubernetesObject, name: string): readonly KubernetesObject[] {
  if (owner.kind !== 'StatefulSet') return []
  const { spec } = owner as V1StatefulSet & KubernetesObject
  return (spec?.volumeClaimTemplates ?? []).map(template => {
    const { namespace } = owner.metadata
    const metadata = { ...templateMetadata(template.metadata), ...pick({ namespace }) }
    const body = { ...metadata, name: `${template.metadata?.name}-${name}` }
    return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: body, spec: template.spec } as KubernetesObject
  })
}

function wrap(
  object: KubernetesObject,
  template: V1PodTemplateSpec,
  type: Exclude<GenerateType, 'pod'>,
  replicas: number | undefined,
): Converted {
  const { apiVersion, kind } = KINDS[type]
  const name = object.metadata.name ?? ''
  const given = template.metadata?.labels ?? {}
  const labels = Object.keys(given).length > 0 ? given : { app: name }
  const { spec, notes } = podSpecFor(template.spec, type, `${object.kind} ${name}`)
  const metadata = { ...templateMetadata(template.metadata), labels }
  const body = {
    ...(type === 'job' ? {} : { selector: { matchLabels: labels } }),
    ...(type === 'statefulset' ? { serviceName: name } : {}),
    template: { metadata, spec },
  }
  const { namespace } = object.metadata
  const wrapped = {
    apiVersion,
    kind,
    metadata: { ...pick({ name, namespace }), labels },
    spec: body,
  } as KubernetesObject
  return { object: withReplicas(wrapped, type, replicas), notes }
}

/** What the kind's templates may not say. Source: k8s.io/kubernetes pkg/apis/apps and batch validation. */
function podSpecFor(
  given: V1PodSpec | undefined,
  type: GenerateType,
  source: string,
): { readonly spec: V1PodSpec; readonly notes: readonly string[] } {
  const { restartPolicy, activeDeadlineSeconds, ephemeralContainers, nodeName, ...rest } = given ?? { containers: [] }
  const notes: string[] = []
  const kept: Partial<V1PodSpec> = { ...pick({ nodeName }) }
  if (ephemeralContainers !== undefined) notes.push(`${source}: ephemeral containers are left out`)
  if (type === 'job') {
    if (restartPolicy === undefined || restartPolicy === 'Always')
      notes.push(`${source}: restartPolicy is Never in a Job`)
    kept.restartPolicy = restartPolicy === 'OnFailure' ? 'OnFailure' : 'Never'
    Object.assign(kept, pick({ activeDeadlineSeconds }))
  } else {
    if (restartPolicy !== undefined && restartPolicy !== 'Always')
      notes.push(`${source}: restartPolicy ${restartPolicy} becomes Always, the only one that ${type}s have`)
    if (activeDeadlineSeconds !== undefined) notes.push(`${source}: activeDeadlineSeconds is left out`)
    if (restartPolicy !== undefined) kept.restartPolicy = 'Always'
  }
  return { spec: { ...rest, ...kept }, notes }
}

function withReplicas(object: KubernetesObject, type: GenerateType, replicas: number | undefined): KubernetesObject {
  if (replicas === undefined || type === 'pod' || type === 'daemonset') return object
  const counted = type === 'job' ? { completions: replicas, parallelism: replicas } : { replicas }
  const { spec } = object as KubernetesObject & { readonly spec?: object }
  return { ...object, spec: { ...counted, ...omit(spec ?? {}, Object.keys(counted)) } } as KubernetesObject
}

/** A template's labels and annotations: its name is the workload's to give. */
function templateMetadata(metadata: V1ObjectMeta | undefined): V1ObjectMeta {
  return pick({ labels: metadata?.labels, annotations: metadata?.annotations })
}

/** The values that are there. */
function pick<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}

function omit(values: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)))
}
