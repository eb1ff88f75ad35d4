/** Claims that only one pod may use at a time: access mode ReadWriteOncePod. Source: the scheduler's volumerestrictions. */
import { KubeError } from '../diagnostic.ts'
import type { PodPlan } from '../plan/types.ts'
import type { Host } from './ports.ts'

/** Fails with `ClaimInUse` when two pods would have such a claim, those of `leaving` being gone by then. */
export function checkClaims(host: Host, plans: readonly PodPlan[], leaving: ReadonlySet<string>): void {
  if (!plans.some(plan => exclusiveClaims(plan).length > 0)) return
  const users = new Map<string, string>()
  for (const { uid, plan } of host.state.pods()) {
    if (leaving.has(uid)) continue
    for (const key of claims(plan)) users.set(key, plan.name)
  }
  for (const plan of plans) {
    for (const key of exclusiveClaims(plan)) {
      const user = users.get(key)
      if (user === undefined) continue
      const claim = key.slice(key.indexOf('/') + 1)
      throw new KubeError(
        'ClaimInUse',
        `pod ${plan.name}: persistentvolumeclaim "${claim}" is ReadWriteOncePod and in use by pod ${user}`,
        { hint: 'take that pod down first, or give the claim the access mode ReadWriteOnce' },
      )
    }
    for (const key of claims(plan)) users.set(key, plan.name)
  }
}

function claims(plan: PodPlan): readonly string[] {
  return plan.volumes.flatMap(volume => (volume.kind === 'claim' ? [`${volume.namespace}/${volume.claim}`] : []))
}

function exclusiveClaims(plan: PodPlan): readonly string[] {
  return claims({ ...plan, volumes: plan.volumes.filter(volume => volume.kind === 'claim' && volume.exclusive) })
}
