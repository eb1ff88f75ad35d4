/** Which PersistentVolume each claim gets. Source: k8s.io/component-helpers/storage/volume, FindMatchingVolume. */
import type { V1PersistentVolume, V1PersistentVolumeClaim } from '@kubernetes/client-node'
import { wholeAmount } from './amount.ts'
import { matchesSelector } from './label-match.ts'

export type BoundVolume = (namespace: string, claim: string) => V1PersistentVolume | undefined

/** Claims in their order: one that names a volume has it; another gets the smallest that fits and is free. */
export function bindVolumes(
  claims: readonly V1PersistentVolumeClaim[],
  volumes: readonly V1PersistentVolume[],
): BoundVolume {
  const bound = new Map<string, V1PersistentVolume>()
  const free = new Map(volumes.map(volume => [volume.metadata?.name ?? '', volume]))
  for (const claim of claims) {
    const volume = free.get(claim.spec?.volumeName ?? '')
    if (volume) take(claim, volume)
  }
  const bySize = [...free.values()].sort((a, b) => capacity(a) - capacity(b))
  for (const claim of claims) {
    if (claim.spec?.volumeName) continue
    const fitting = bySize.filter(volume => free.has(volume.metadata?.name ?? '') && fits(claim, volume))
    // One that is reserved for the claim comes before all others.
    const volume = fitting.find(candidate => candidate.spec?.claimRef) ?? fitting[0]
    if (volume) take(claim, volume)
  }
  return (namespace, claim) => bound.get(`${namespace}/${claim}`)

  function take(claim: V1PersistentVolumeClaim, volume: V1PersistentVolume): void {
    bound.set(`${claim.metadata?.namespace ?? 'default'}/${claim.metadata?.name}`, volume)
    free.delete(volume.metadata?.name ?? '')
  }
}

function capacity(volume: V1PersistentVolume): number {
  return wholeAmount(volume.spec?.capacity?.storage)
}

function fits(claim: V1PersistentVolumeClaim, volume: V1PersistentVolume): boolean {
  const wanted = claim.spec ?? {}
  const offered = volume.spec ?? {}
  const ref = offered.claimRef
  if (ref && (ref.name !== claim.metadata?.name || ref.namespace !== (claim.metadata?.namespace ?? 'default'))) {
    return false
  }
  return (
    (wanted.storageClassName ?? '') === (offered.storageClassName ?? '') &&
    (wanted.volumeMode ?? 'Filesystem') === (offered.volumeMode ?? 'Filesystem') &&
    (wanted.accessModes ?? []).every(mode => offered.accessModes?.includes(mode)) &&
    wholeAmount(wanted.resources?.requests?.storage) <= capacity(volume) &&
    matchesSelector(wanted.selector, volume.metadata?.labels ?? {})
  )
}
