/** The contents of a pod's volumes apart from its plan: they are looked up again when they are needed. */
import type { KubernetesObject } from '../manifest/types.ts'
import { namedObject, objectFinder } from './lookup.ts'
import type { PodPlan, VolumePlan } from './types.ts'
import { planVolume } from './volumes.ts'

/** The same plan without what its ConfigMaps and Secrets hold: what is written down of it. */
export function withoutContents(plan: PodPlan): PodPlan {
  if (!plan.volumes.some(volume => volume.kind === 'files')) return plan
  const volumes = plan.volumes.map((volume): VolumePlan => {
    if (volume.kind !== 'files') return volume
    const files = volume.files.map(file => {
      if (!('text' in file || 'base64' in file)) return file
      const { path, mode, secret } = file
      return { path, mode, ...(secret ? { secret } : {}), stored: true as const }
    })
    return { ...volume, files }
  })
  return { ...plan, volumes }
}

/** Whether the plan was written down and read again. */
export function lacksContents(plan: PodPlan): boolean {
  return plan.volumes.some(volume => volume.kind === 'files' && volume.files.some(file => 'stored' in file))
}

/**
 * The same plan with what ConfigMaps and Secrets hold now. A volume whose object or key is gone keeps what it has, as
 * under the kubelet.
 */
export function withContents(plan: PodPlan, objects: readonly KubernetesObject[]): PodPlan {
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
    return next?.kind === 'files' ? next : volume
  })
  return { ...plan, volumes }
}
