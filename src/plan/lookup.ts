/** Finding the objects that a pod refers to: ConfigMaps, Secrets, claims, in the same manifests or from earlier apps. */
import type {
  V1ConfigMap,
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1RuntimeClass,
  V1Secret,
} from '@kubernetes/client-node'
import type { KubernetesObject } from '../manifest/types.ts'
import type { KeyContents } from './key-content.ts'

interface Kinds {
  readonly ConfigMap: V1ConfigMap
  readonly Secret: V1Secret
  readonly PersistentVolumeClaim: V1PersistentVolumeClaim
  readonly PersistentVolume: V1PersistentVolume
  readonly RuntimeClass: V1RuntimeClass
}

/** The object of that kind, namespace (empty for cluster-wide kinds) and name. */
export type FindObject = <K extends keyof Kinds>(kind: K, namespace: string, name: string) => Kinds[K] | undefined

export interface NamedObject {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly value: KubernetesObject
}

export function namedObject(value: KubernetesObject): NamedObject {
  return { kind: value.kind, namespace: value.metadata.namespace ?? 'default', name: value.metadata.name ?? '', value }
}

/** Of two objects with the same name, the first one counts. */
export function objectFinder(objects: readonly NamedObject[]): FindObject {
  const byKey = new Map<string, KubernetesObject>()
  for (const { kind, namespace, name, value } of objects) {
    const key = objectKey(kind, isClusterWide(kind) ? '' : namespace, name)
    if (!byKey.has(key)) byKey.set(key, value)
  }
  return <K extends keyof Kinds>(kind: K, namespace: string, name: string) =>
    byKey.get(objectKey(kind, namespace, name)) as Kinds[K] | undefined
}

function isClusterWide(kind: string): boolean {
  return kind === 'PersistentVolume' || kind === 'RuntimeClass'
}

function objectKey(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`
}

/** The data of a ConfigMap, binary data included. */
export function configMapFiles(configMap: V1ConfigMap): KeyContents {
  return { ...texts(configMap.data), ...bytes(configMap.binaryData) }
}

/** The data of a Secret; `stringData` wins over `data`, as the API server merges them. */
export function secretFiles(secret: V1Secret): KeyContents {
  return { ...bytes(secret.data), ...texts(secret.stringData) }
}

function texts(data: Readonly<Record<string, string>> = {}): KeyContents {
  return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, { text }]))
}

function bytes(data: Readonly<Record<string, string>> = {}): KeyContents {
  return Object.fromEntries(Object.entries(data).map(([key, base64]) => [key, { base64 }]))
}
