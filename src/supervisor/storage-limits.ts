/**
 * Pods that fill the disk: one that goes beyond what it may use is stopped and failed, as the kubelet does it.
 * Source: k8s.io/kubernetes/pkg/kubelet/eviction, localStorageEviction.
 */
import { recordEvent } from '../engine/events.ts'
import type { Host, PodRecord } from '../engine/ports.ts'

/** Milliseconds between two looks. */
export const STORAGE_LOOK_MS = 5_000

/** Fails the pod when it uses more than it may. Returns whether it did. */
export async function failWhenTooLarge(host: Host, record: PodRecord): Promise<boolean> {
  const message = await excess(host, record)
  if (message === undefined) return false
  host.state.setFailure(record.uid, { reason: 'Evicted', message })
  recordEvent(host, record, undefined, 'Warning', 'Evicted', message)
  return true
}

/** The kubelet's words for the first limit that was passed. */
async function excess(host: Host, { uid, plan }: PodRecord): Promise<string | undefined> {
  const spec = plan.pod.spec!
  let total = 0
  for (const volume of plan.volumes) {
    if (volume.kind !== 'emptyDir' || volume.medium !== 'disk') continue
    const used = await host.volumes.volumeUsage(uid, volume.name)
    total += used
    if (volume.sizeLimitBytes === undefined || used <= volume.sizeLimitBytes) continue
    const limit = spec.volumes?.find(({ name }) => name === volume.name)?.emptyDir?.sizeLimit
    return `Usage of EmptyDir volume "${volume.name}" exceeds the limit "${limit}". `
  }
  let allowed = 0
  for (const { name, resources, container } of plan.members) {
    const used = await host.volumes.containerUsage(uid, name)
    total += used
    const limit = resources.ephemeralStorageBytes
    allowed += limit ?? Number.POSITIVE_INFINITY
    if (limit === undefined || used <= limit) continue
    const written = container.resources?.limits?.['ephemeral-storage']
    return `Container ${name} exceeded its local ephemeral storage limit "${written}". `
  }
  if (total <= allowed) return undefined
  return `Pod ephemeral local storage usage exceeds the total limit of containers ${allowed}. `
}
