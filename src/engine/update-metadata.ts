/** Labels and annotations of pods that go on running: they change under them, as under an API server. */
import { canonicalJson } from '../plan/canonical.ts'
import type { PodPlan } from '../plan/types.ts'
import { podKey } from '../reconcile/decide.ts'
import { volumeFiles } from './container-facts.ts'
import type { Host } from './ports.ts'

/** Of the pods `kept`, by uid. Volumes that show them follow; what a container has read into a variable stays as it was. */
export function updateMetadata(host: Host, kept: readonly string[], plans: readonly PodPlan[]): void {
  const wanted = new Map(plans.map(plan => [podKey(plan), plan.pod.metadata]))
  for (const uid of kept) {
    const record = host.state.pod(uid)
    const metadata = record && wanted.get(podKey(record.plan))
    if (!metadata || canonicalJson(metadata) === canonicalJson(record.plan.pod.metadata ?? {})) continue
    const plan = { ...record.plan, pod: { ...record.plan.pod, metadata } }
    host.state.setPlan(uid, plan)
    if (showsFields(plan) && host.volumes.hasSandbox(uid))
      host.volumes.updateFiles(uid, plan, volumeFiles(host, { ...record, plan }, 'leave out'))
  }
}

function showsFields(plan: PodPlan): boolean {
  return plan.volumes.some(volume => volume.kind === 'files' && volume.files.some(file => 'field' in file))
}
