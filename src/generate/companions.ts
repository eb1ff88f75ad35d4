/** The objects that a pod refers to: without them it would not start elsewhere. */
import type { V1PersistentVolumeClaim, V1PodSpec, V1StatefulSet } from '@kubernetes/client-node'
import type { KubernetesObject } from '../manifest/types.ts'
import { podSpecOf } from './pod-spec.ts'
import type { SourceObject } from './types.ts'

interface Reference {
  readonly kind: string
  readonly name: string
}

/** Kinds in the order in which a cluster wants them; the workloads that need them come after. Source: helm's install order. */
const ORDER = [
  'Namespace',
  'PriorityClass',
  'RuntimeClass',
  'StorageClass',
  'ServiceAccount',
  'Secret',
  'ConfigMap',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Service',
]

/** What the objects refer to, of what is recorded, each once and none that is among `objects`. */
export function companionsOf(objects: readonly SourceObject[], all: readonly SourceObject[]): readonly SourceObject[] {
  const found = new Set(objects)
  const waiting = [...objects]
  for (let object = waiting.pop(); object !== undefined; object = waiting.pop()) {
    for (const { kind, name } of referencesOf(object.value, object.namespace)) {
      const { namespace } = object
      const companion = all.find(
        candidate =>
          candidate.kind === kind &&
          candidate.name === name &&
          (candidate.namespace === namespace || candidate.namespace === ''),
      )
      if (!companion || found.has(companion)) continue
      found.add(companion)
      waiting.push(companion)
    }
  }
  const companions = all.filter(object => found.has(object) && !objects.includes(object))
  return companions.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind))
}

/** A sentence for each claim of the object's pods that is in no manifest: here a volume is made for it, not on a cluster. */
export function missingClaims(object: SourceObject, all: readonly SourceObject[]): readonly string[] {
  const names = referencesOf(object.value, object.namespace).flatMap(({ kind, name }) =>
    kind === 'PersistentVolumeClaim' ? [name] : [],
  )
  return [...new Set(names)]
    .filter(name => !all.some(other => isClaim(other) && other.name === name && other.namespace === object.namespace))
    .map(
      name =>
        `${object.kind} ${object.name}: no manifest has its claim ${name}: for a cluster, \`kube generate pvc/${name}\` prints one`,
    )
}

function isClaim({ kind }: SourceObject): boolean {
  return kind === 'PersistentVolumeClaim'
}

function referencesOf(value: KubernetesObject, namespace: string): readonly Reference[] {
  const spec = podSpecOf(value)
  const references = spec ? podReferences(spec) : []
  if (namespace !== '' && namespace !== 'default') references.push({ kind: 'Namespace', name: namespace })
  if (value.kind === 'StatefulSet') {
    const { spec: setSpec } = value as V1StatefulSet & KubernetesObject
    add(references, 'Service', setSpec?.serviceName)
    for (const claim of setSpec?.volumeClaimTemplates ?? []) references.push(...claimReferences(claim))
  }
  if (value.kind === 'PersistentVolumeClaim') references.push(...claimReferences(value as V1PersistentVolumeClaim))
  return references
}

function claimReferences({ spec }: V1PersistentVolumeClaim): readonly Reference[] {
  const references: Reference[] = []
  add(references, 'PersistentVolume', spec?.volumeName)
  add(references, 'StorageClass', spec?.storageClassName)
  return references
}

function podReferences(spec: V1PodSpec): Reference[] {
  const references: Reference[] = []
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      add(references, 'ConfigMap', configMapRef?.name)
      add(references, 'Secret', secretRef?.name)
    }
    for (const { valueFrom } of container.env ?? []) {
      add(references, 'ConfigMap', valueFrom?.configMapKeyRef?.name)
      add(references, 'Secret', valueFrom?.secretKeyRef?.name)
    }
  }
  for (const volume of spec.volumes ?? []) {
    add(references, 'ConfigMap', volume.configMap?.name)
    add(references, 'Secret', volume.secret?.secretName)
    add(references, 'PersistentVolumeClaim', volume.persistentVolumeClaim?.claimName)
    const template = volume.ephemeral?.volumeClaimTemplate
    if (template) references.push(...claimReferences({ spec: template.spec }))
    for (const { configMap, secret } of volume.projected?.sources ?? []) {
      add(references, 'ConfigMap', configMap?.name)
      add(references, 'Secret', secret?.name)
    }
  }
  for (const { name } of spec.imagePullSecrets ?? []) add(references, 'Secret', name)
  add(references, 'ServiceAccount', spec.serviceAccountName ?? spec.serviceAccount)
  add(references, 'PriorityClass', spec.priorityClassName)
  add(references, 'RuntimeClass', spec.runtimeClassName)
  return references
}

function add(references: Reference[], kind: string, name: string | undefined): void {
  if (name) references.push({ kind, name })
}
