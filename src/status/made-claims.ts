/** Claims that nobody wrote: a StatefulSet's, from its templates, and those of ephemeral volumes. */
import type { V1StatefulSetSpec } from '@kubernetes/client-node'
import type { KubernetesObject } from '../manifest/types.ts'
import { ordinalClaims } from '../plan/expand.ts'
import { uuidOf } from '../plan/names.ts'
import { objectView, type RecordedObject } from './object-view.ts'
import type { PodObject } from './pod-object.ts'
import type { WireMetadata, WireObject, WireOwner } from './wire.ts'

/** A directory that a claim stands for, and that outlives the pods which use it. */
export interface NamedVolume {
  readonly namespace: string
  readonly name: string
  readonly createdAt: string
}

export interface ClaimFacts {
  readonly objects: readonly RecordedObject[]
  readonly pods: readonly PodObject[]
  readonly volumes: readonly NamedVolume[]
  readonly nowMs: number
}

/** What a manifest says of a claim counts instead. */
export function madeClaims({ objects, pods, volumes, nowMs }: ClaimFacts): readonly WireObject[] {
  const written = new Set(objects.filter(({ kind }) => kind === 'PersistentVolumeClaim').map(keyOf))
  const sets = objects.filter(({ kind }) => kind === 'StatefulSet')
  return [...volumes.flatMap(volume => setClaim(sets, volume)), ...pods.flatMap(ephemeralClaims)]
    .filter(({ metadata }) => !written.has(keyOf(metadata)))
    .map(({ metadata, createdAt, spec }) => {
      const { namespace, name } = metadata
      const kind = 'PersistentVolumeClaim'
      const value = { apiVersion: 'v1', kind, metadata, spec }
      const record = { apiVersion: 'v1', kind, namespace, name, uid: uuidOf([kind, namespace, name]), createdAt, value }
      return objectView(record, { children: [], pods: [], nowMs })
    })
}

/** A claim as it would be written. */
interface MadeClaim {
  readonly metadata: WireMetadata & { readonly namespace: string }
  readonly spec: object | undefined
  readonly createdAt: string
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`
}

/** Of the ordinals that have a volume, scaled down or not. */
function setClaim(sets: readonly RecordedObject[], { namespace, name, createdAt }: NamedVolume): readonly MadeClaim[] {
  const [, ordinal] = /-(\d+)$/.exec(name) ?? []
  if (ordinal === undefined) return []
  return sets
    .filter(set => set.namespace === namespace)
    .flatMap(set => {
      const { spec } = set.value as KubernetesObject & { readonly spec?: V1StatefulSetSpec }
      return spec ? ordinalClaims(set, spec, Number(ordinal)) : []
    })
    .filter(({ metadata }) => metadata?.name === name)
    .slice(0, 1)
    .map(({ metadata, spec }) => ({ metadata: { ...(metadata as object), namespace, name }, spec, createdAt }))
}

/** They come and go with their pod. */
function ephemeralClaims({ metadata, spec }: PodObject): readonly MadeClaim[] {
  const { namespace = '', name, uid = '', creationTimestamp = '' } = metadata
  const owner: WireOwner = { apiVersion: 'v1', kind: 'Pod', name, uid, controller: true, blockOwnerDeletion: true }
  return (spec.volumes ?? []).flatMap(volume => {
    const template = volume.ephemeral?.volumeClaimTemplate
    if (!template) return []
    const own = {
      ...(template.metadata as object),
      name: `${name}-${volume.name}`,
      namespace,
      ownerReferences: [owner],
    }
    return [{ metadata: own, spec: template.spec, createdAt: creationTimestamp }]
  })
}
