/** New contents for the volumes of a pod that goes on running. */
import type { KubernetesObject } from '../manifest/types.ts'
import { hashOf } from './canonical.ts'
import { namedObject, objectFinder } from './lookup.ts'
import type { PodPlan, VolumePlan } from './types.ts'
import { planVolume } from './volumes.ts'

/**
 * The same plan with what ConfigMaps and Secrets hold now; the plan itself when that is no news. A volume whose object
 * or key is gone keeps what it has, as under the kubelet.
 */
export function replanFiles(plan: PodPlan, objects: readonly KubernetesObject[]): PodPlan {
  const context = {
    find: objectFinder(objects.map(namedObject)),
    network: '',
    clusterDomain: '',
    boundVolume: () => undefined,
  }
  const written = new Map((plan.pod.spec?.volumes ?? []).map(volume => [volume.name, volume]))
  const volumes = plan.volumes.map((volume): VolumePlan => {
    const source = written.get(volume.name)
    if (volume.kind !== 'files' || !source) return volume
    const { volume: next } = planVolume(source, plan, context, [])
    return next?.kind === 'files' ? { ...next, medium: volume.medium } : volume
  })
  const filesHash = hashOf(volumes.filter(volume => volume.kind === 'files'))
  return filesHash === plan.filesHash ? plan : { ...plan, volumes, filesHash }
}
