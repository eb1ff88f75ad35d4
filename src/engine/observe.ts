/** Looks at the machine for one recorded pod. */
import type { ObservedContainer, ObservedPod } from '../reconcile/observed.ts'
import type { Host, PodRecord } from './ports.ts'

export function observePod(host: Host, record: PodRecord): ObservedPod {
  const { uid, plan } = record
  const containers: Record<string, ObservedContainer> = {}
  for (const member of plan.members) {
    const known = record.containers[member.name]
    const id = known?.id ?? host.containerId(uid, member.name, 0)
    containers[member.name] = {
      id,
      rootfs: host.volumes.isMounted(uid, member.name) ? 'mounted' : 'absent',
      ...host.runtime.observe(id, known?.process, known?.startedAt !== undefined),
      ...(known?.startedAt === undefined ? {} : { startedAt: known.startedAt }),
      ...(known?.lifecycle === undefined ? {} : { lifecycle: known.lifecycle }),
    }
  }
  return {
    uid,
    plan,
    removing: record.removing,
    ...(record.failure === undefined ? {} : { failed: true }),
    ...(record.stopped ? { stopped: true } : {}),
    sandbox: host.volumes.hasSandbox(uid) ? 'present' : 'absent',
    infra: observeInfra(host, record),
    network: plan.network.mode === 'host' || host.network.isAttached(uid) ? 'attached' : 'absent',
    containers,
  }
}

function observeInfra(host: Host, record: PodRecord): ObservedPod['infra'] {
  if (record.infra !== undefined && host.runtime.isAlive(record.infra)) return 'running'
  const id = host.infraId(record.uid)
  // A killed run may have started it without having had the time to write that down.
  return record.infra !== undefined || host.runtime.observe(id, undefined, false).state !== 'absent' ? 'dead' : 'absent'
}
