/** Events of pods, in the kubelet's words. */
import type { MemberRole } from '../plan/types.ts'
import type { Host, PodRecord } from './ports.ts'

/** Where a pod's spec has containers of that role. */
const LISTS: Readonly<Record<MemberRole, string>> = {
  init: 'initContainers',
  sidecar: 'initContainers',
  main: 'containers',
  ephemeral: 'ephemeralContainers',
}

/** Records an event of a pod, or of one of its containers. */
export function recordEvent(
  host: Host,
  record: Pick<PodRecord, 'uid' | 'plan'>,
  container: string | undefined,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
): void {
  const { namespace, name, members } = record.plan
  const member = members.find(m => m.name === container)
  const list = LISTS[member?.role ?? 'main']
  host.state.addEvent({
    kind: 'Pod',
    namespace,
    name,
    uid: record.uid,
    ...(container === undefined ? {} : { fieldPath: `spec.${list}{${container}}` }),
    type,
    reason,
    message,
    at: host.now(),
  })
}
