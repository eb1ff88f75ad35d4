/** Events of pods, in the kubelet's words. */
import type { Host, PodRecord } from './ports.ts'

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
  const list = member?.role === 'main' || member === undefined ? 'containers' : 'initContainers'
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
