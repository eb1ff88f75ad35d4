/** Which PersistentVolume a claim has, as both of them tell it. */
import type { V1PersistentVolume, V1PersistentVolumeClaim } from '@kubernetes/client-node'
import { bindVolumes } from '../plan/bindings.ts'
import type { RecordedObject } from './object-view.ts'
import type { WireObject } from './wire.ts'

/** The claims or volumes with what binds them to each other. */
export function withBindings(views: readonly WireObject[], objects: readonly RecordedObject[]): readonly WireObject[] {
  const claims = valuesOf<V1PersistentVolumeClaim>(objects, 'PersistentVolumeClaim')
  const volumes = valuesOf<V1PersistentVolume>(objects, 'PersistentVolume')
  if (claims.length === 0 || volumes.length === 0) return views
  const bound = bindVolumes(claims, volumes)
  const holders = new Map<string, RecordedObject>()
  for (const claim of objects) {
    const volume = claim.kind === 'PersistentVolumeClaim' ? bound(claim.namespace, claim.name) : undefined
    if (volume?.metadata?.name) holders.set(volume.metadata.name, claim)
  }
  return views.map(view => {
    const { name, namespace = '' } = view.metadata
    const holder = holders.get(name)
    if (view.kind === 'PersistentVolume') return holder ? heldVolume(view, holder) : view
    const volume = bound(namespace, name)
    return volume ? boundClaim(view, volume) : view
  })
}

/** Their namespaces and names as recorded: a manifest need not say the namespace. */
function valuesOf<T extends { metadata?: object }>(objects: readonly RecordedObject[], kind: string): readonly T[] {
  return objects
    .filter(object => object.kind === kind)
    .map(({ value, namespace, name }) => {
      const object = value as T
      return { ...object, metadata: { ...object.metadata, name, ...(namespace === '' ? {} : { namespace }) } }
    })
}

function heldVolume(view: WireObject, { apiVersion, kind, namespace, name, uid }: RecordedObject): WireObject {
  const claimRef = { apiVersion, kind, name, namespace, uid }
  return { ...view, spec: { ...view.spec, claimRef }, status: { ...view.status, phase: 'Bound' } }
}

function boundClaim(view: WireObject, { metadata, spec }: V1PersistentVolume): WireObject {
  const capacity = spec?.capacity ? { capacity: spec.capacity } : {}
  return {
    ...view,
    spec: { ...view.spec, volumeName: metadata?.name },
    status: { ...view.status, ...capacity, accessModes: spec?.accessModes ?? [] },
  }
}
