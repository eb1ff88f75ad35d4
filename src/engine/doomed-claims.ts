/**
 * Claims that a StatefulSet's end takes along, or its having fewer replicas: `persistentVolumeClaimRetentionPolicy`. They
 * go when no pod has them any more. Source: k8s.io/kubernetes pkg/controller/statefulset, and its pvc-protection.
 */
import { causeChain, KubeError } from '../diagnostic.ts'
import { statefulSetSpec } from '../workloads/stateful-set.ts'
import type { ClaimName } from '../workloads/types.ts'
import type { Host, ObjectRecord } from './ports.ts'

/** Dooms the claims of StatefulSets that are being deleted and say `whenDeleted: Delete`: of every ordinal ever made. */
export function doomClaimsOf(host: Host, deleted: readonly ObjectRecord[]): void {
  const patterns = deleted.filter(({ kind }) => kind === 'StatefulSet').flatMap(claimPatterns)
  if (patterns.length === 0) return
  const claims = host.volumes
    .claims()
    .filter(({ namespace, claim }) =>
      patterns.some(pattern => pattern.namespace === namespace && pattern.name.test(claim)),
    )
  doomClaims(host, claims, deleted)
}

function claimPatterns(set: ObjectRecord): readonly { readonly namespace: string; readonly name: RegExp }[] {
  const spec = statefulSetSpec(set)
  if (spec.persistentVolumeClaimRetentionPolicy?.whenDeleted !== 'Delete') return []
  const escaped = (text: string) => text.replaceAll('.', '\\.')
  return (spec.volumeClaimTemplates ?? []).map(({ metadata }) => ({
    namespace: set.namespace,
    name: new RegExp(`^${escaped(metadata?.name ?? '')}-${escaped(set.name)}-\\d+$`),
  }))
}

/** But for those that a manifest names by themselves, unless it is among what is being deleted. */
export function doomClaims(host: Host, claims: readonly ClaimName[], deleted: readonly ObjectRecord[] = []): void {
  if (claims.length === 0) return
  const going = new Set(deleted.map(({ uid }) => uid))
  const written = host.state.objects({ kind: 'PersistentVolumeClaim' }).filter(({ uid }) => !going.has(uid))
  const isWritten = ({ namespace, claim }: ClaimName) =>
    written.some(object => object.namespace === namespace && object.name === claim)
  host.state.doomClaims(claims.filter(claim => !isWritten(claim)))
}

/**
 * Removes the doomed claims that no pod has. The caller holds the machine's lock. Fails with `VolumeNotRemoved` at the
 * end; what could not be removed stays as a volume that nobody wants to remove.
 */
export async function removeDoomedClaims(host: Host): Promise<void> {
  const failures: string[] = []
  host.state.takeDoomedClaims(claim => {
    try {
      host.volumes.discardClaim(claim)
    } catch (error) {
      failures.push(`${claim.namespace}/${claim.claim}: ${causeChain(error)}`)
    }
  })
  await host.volumes.removeDiscarded()
  if (failures.length === 0) return
  throw new KubeError('VolumeNotRemoved', 'volumes of deleted claims could not be removed', {
    notes: failures,
    hint: '`kube volume rm` removes them',
  })
}

/** The same where there are any, for who does not hold the lock: before pods come that would have them. */
export async function settleDoomedClaims(host: Host): Promise<void> {
  if (!host.state.hasDoomedClaims()) return
  using _lock = await host.lock()
  await removeDoomedClaims(host)
}
