/** Looks at the machine for one recorded pod. */
import type { ObservedContainer, ObservedPod } from '../reconcile/observed.ts'
import { EXEC_FAILURE_STATUS, execFailure, START_ERROR_STATUS } from './exec-failure.ts'
import type { ContainerRecord, Host, PodRecord } from './ports.ts'

export function observePod(host: Host, record: PodRecord): ObservedPod {
  const { uid, plan } = record
  const containers: Record<string, ObservedContainer> = {}
  for (const member of plan.members) {
    const known = record.containers[member.name]
    const id = known?.id ?? host.containerId(uid, member.name, 0)
    const run = observeRun(host, uid, member.name, known)
    containers[member.name] = {
      id,
      // Looking means to enter the pod's mounts: of a container that was made nobody has to know.
      rootfs: run.state !== 'absent' || host.volumes.isMounted(uid, member.name) ? 'mounted' : 'absent',
      ...run,
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
    ...(record.ended ? { ended: true } : {}),
    sandbox: host.volumes.hasSandbox(uid) ? 'present' : 'absent',
    infra: observeInfra(host, record),
    network: plan.network.mode === 'host' || host.network.isAttached(uid) ? 'attached' : 'absent',
    containers,
  }
}

/** How one run of a container is. A command that could not be started ended with status 128, as containerd has it. */
export function observeRun(
  host: Host,
  uid: string,
  container: string,
  known: ContainerRecord | undefined,
): Omit<ObservedContainer, 'id' | 'rootfs'> {
  const end = known?.lifecycle?.end
  if (end) {
    const { exitCode, finishedAt, reason, message = '' } = end
    return { state: 'exited', exitCode, finishedAt, ...(reason === 'StartError' ? { startError: message } : {}) }
  }
  const id = known?.id ?? host.containerId(uid, container, 0)
  const now = host.runtime.observe(id, known?.process, known?.startedAt !== undefined)
  if (now.state !== 'exited' || now.exitCode !== EXEC_FAILURE_STATUS) return now
  const startError = execFailure(host.logFile(uid, container, known?.attempt ?? 0))
  return startError === undefined ? now : { ...now, exitCode: START_ERROR_STATUS, startError }
}

function observeInfra(host: Host, record: PodRecord): ObservedPod['infra'] {
  if (record.infra !== undefined && host.runtime.isAlive(record.infra)) return 'running'
  const id = host.infraId(record.uid)
  // A killed run may have started it without having had the time to write that down.
  return record.infra !== undefined || host.runtime.observe(id, undefined, false).state !== 'absent' ? 'dead' : 'absent'
}
