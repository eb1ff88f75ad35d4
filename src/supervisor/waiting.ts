/** Why a container that should run does not: noted for its status, and told as an event in the kubelet's words. */
import { causeChain, KubeError } from '../diagnostic.ts'
import { recordEvent } from '../engine/events.ts'
import type { Host, PodRecord } from '../engine/ports.ts'
import { NEW_LIFE } from '../reconcile/lifecycle.ts'
import type { ObservedPod } from '../reconcile/observed.ts'
import { goDuration, isOver, nextBackoff, restartDueMs } from '../reconcile/restart.ts'

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

/** By the code of the failure. Default `CreateContainerError`. */
const REASONS: Readonly<Record<string, string>> = {
  CommandNotFound: 'RunContainerError',
  CommandNotExecutable: 'RunContainerError',
  ImageNotFound: 'ErrImageNeverPull',
  ImageNeverPull: 'ErrImageNeverPull',
}

/** Notes that a container could not be started. */
export function tellStartFailure(host: Host, uid: string, error: unknown): void {
  const record = host.state.pod(uid)
  const message = causeChain(error)
  const member = record?.plan.members.find(({ name }) => message.includes(`container ${name}:`))
  const known = member && host.state.container(uid, member.name)
  if (!record || !member || !known) return
  const reason = (error instanceof KubeError ? REASONS[error.code] : undefined) ?? 'CreateContainerError'
  const lifecycle = known.lifecycle ?? NEW_LIFE
  const backoffMs = nextBackoff(lifecycle.backoffMs, host.backoff)
  host.state.setLifecycle(uid, member.name, known.attempt, { ...lifecycle, backoffMs, waiting: { reason, message } })
  recordEvent(host, record, member.name, 'Warning', 'Failed', `Error: ${message}`)
}
