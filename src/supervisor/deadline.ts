/** The time a pod has as a whole. Source: kubelet, pkg/kubelet/active_deadline.go. */
import { recordEvent } from '../engine/events.ts'
import { observePod } from '../engine/observe.ts'
import type { Host, PodRecord } from '../engine/ports.ts'
import type { ObservedPod } from '../reconcile/observed.ts'
import { isOver } from '../reconcile/restart.ts'

/** When the pod's time is over, in milliseconds since 1970; `undefined`: it has no limit, or is over anyway. */
export function podDeadlineMs(record: PodRecord, pod: ObservedPod): number | undefined {
  const seconds = record.plan.pod.spec?.activeDeadlineSeconds
  if (seconds === undefined || record.failure || isOver(pod)) return undefined
  return Date.parse(record.createdAt) + seconds * 1000
}

/** Fails the pod when its time is over. */
export function failWhenOverdue(host: Host, record: PodRecord): void {
  if (record.plan.pod.spec?.activeDeadlineSeconds === undefined) return
  const due = podDeadlineMs(record, observePod(host, record))
  if (due === undefined || due > Date.parse(host.now())) return
  const message = 'Pod was active on the node longer than the specified deadline'
  host.state.setFailure(record.uid, { reason: 'DeadlineExceeded', message })
  recordEvent(host, record, undefined, 'Normal', 'DeadlineExceeded', message)
}
