/** Limits that no kernel keeps: somebody has to look now and then. */
import type { PodPlan } from './types.ts'

/** Whether anything of the pod has a limit on a disk. */
export function hasStorageLimits(plan: PodPlan): boolean {
  return (
    plan.volumes.some(
      volume => volume.kind === 'emptyDir' && volume.medium === 'disk' && volume.sizeLimitBytes !== undefined,
    ) || plan.members.some(member => member.resources.ephemeralStorageBytes !== undefined)
  )
}
