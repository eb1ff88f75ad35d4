/** Why a container that should run does not: noted for its status, and told as an event in the kubelet's words. */
import { recordEvent } from '../engine/events.ts'
import type { Host, PodRecord } from '../engine/ports.ts'
import { NEW_LIFE } from '../reconcile/lifecycle.ts'
import { decideNewSandbox } from '../reconcile/new-sandbox.ts'
import type { ObservedPod } from '../reconcile/observed.ts'
import { goDuration, isOver, restartDueMs } from '../reconcile/restart.ts'
import { SANDBOX_CHANGED } from '../status/conditions.ts'

/** Notes who waits for a restart. Source of the words: kubelet, doBackOff. */
export function tellBackoff(host: Host, record: PodRecord, pod: ObservedPod): void {
  // Sidecars of a pod that is over have ended for good.
  if (isOver(pod)) return
  const nowMs = Date.parse(host.now())
  const { uid, plan } = record
  for (const member of plan.members) {
    const known = record.containers[member.name]
    const due = restartDueMs(pod, member, host.backoff)
    if (!known || due === undefined || due <= nowMs) continue
    const lifecycle = known.lifecycle ?? NEW_LIFE
    const podName = `${plan.name}_${plan.namespace}(${uid})`
    const delay = goDuration(lifecycle.backoffMs)
    const message = `back-off ${delay} restarting failed container=${member.name} pod=${podName}`
    if (lifecycle.waiting?.message === message) continue
    const waiting = { reason: 'CrashLoopBackOff', message }
    host.state.setLifecycle(uid, member.name, known.attempt, { ...lifecycle, ready: false, started: false, waiting })
    const words = `Back-off restarting failed container ${member.name} in pod ${podName}`
    recordEvent(host, record, member.name, 'Warning', 'BackOff', words)
  }
}

/** Whether the pod is to begin anew because its namespaces are gone. */
export function needsNewSandbox(pod: ObservedPod): boolean {
  return pod.infra === 'dead' && decideNewSandbox(pod).length > 0
}

/** Tells that it does. */
export function tellNewSandbox(host: Host, record: PodRecord): void {
  recordEvent(host, record, undefined, 'Normal', SANDBOX_CHANGED.reason, SANDBOX_CHANGED.message)
}
