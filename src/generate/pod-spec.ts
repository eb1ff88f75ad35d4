/** Where a workload has its pod: the template of each kind. */
import type { V1CronJob, V1Deployment, V1Pod, V1PodSpec, V1PodTemplateSpec } from '@kubernetes/client-node'
import type { KubernetesObject } from '../manifest/types.ts'

const TEMPLATED = new Set(['Deployment', 'ReplicaSet', 'ReplicationController', 'StatefulSet', 'DaemonSet', 'Job'])

/** The pod of a workload, or of a Pod itself; undefined for other kinds. */
export function podTemplateOf(object: KubernetesObject): V1PodTemplateSpec | undefined {
  if (object.kind === 'Pod') {
    const { metadata, spec } = object as V1Pod & KubernetesObject
    return { metadata, ...(spec === undefined ? {} : { spec }) }
  }
  if (object.kind === 'CronJob') return (object as V1CronJob & KubernetesObject).spec?.jobTemplate.spec?.template
  return TEMPLATED.has(object.kind) ? (object as V1Deployment & KubernetesObject).spec?.template : undefined
}

export function podSpecOf(object: KubernetesObject): V1PodSpec | undefined {
  return podTemplateOf(object)?.spec
}

/** The same object with another pod spec. */
export function withPodSpec(object: KubernetesObject, spec: V1PodSpec): KubernetesObject {
  return withPodTemplate(object, { ...podTemplateOf(object), spec })
}

/** The same object with another pod: its metadata and spec. */
export function withPodTemplate(object: KubernetesObject, template: V1PodTemplateSpec): KubernetesObject {
  if (object.kind === 'Pod') return { ...object, ...template } as KubernetesObject
  if (object.kind === 'CronJob') {
    const { spec, ...rest } = object as V1CronJob & KubernetesObject
    const jobTemplate = { ...spec?.jobTemplate, spec: { ...spec?.jobTemplate.spec, template } }
    return { ...rest, spec: { ...spec, jobTemplate } } as KubernetesObject
  }
  const { spec, ...rest } = object as V1Deployment & KubernetesObject
  return { ...rest, spec: { ...spec, template } } as KubernetesObject
}
