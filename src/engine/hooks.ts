/** The hooks of a container's life. Source: k8s.io/api/core/v1 Lifecycle; kubelet, kuberuntime_container.go. */
import type { V1LifecycleHandler } from '@kubernetes/client-node'
import type { MemberPlan } from '../plan/types.ts'
import { recordEvent } from './events.ts'
import type { Host, PodRecord } from './ports.ts'

/** A postStart hook has no limit of its own; this only keeps a broken one from being waited for for ever. */
const POST_START_TIMEOUT_MS = 3_600_000
/** What a container still gets to end by itself when its hook used up the grace period, in seconds. */
const LEAST_GRACE_SECONDS = 2

/**
 * Runs the postStart hook; when it fails the container is stopped, and its restart policy decides what then. The event
 * does not say why: what a hook prints can hold secrets.
 */
export async function runPostStart(
  host: Host,
  record: PodRecord,
  member: MemberPlan,
  containerId: string,
  stopSignal: string,
): Promise<void> {
  const handler = member.container.lifecycle?.postStart
  if (!handler) return
  const outcome = await runHook(host, record, member, containerId, handler, POST_START_TIMEOUT_MS)
  const identity = record.containers[member.name]?.process
  // A hook that runs in a container that ended meanwhile fails for that reason only.
  if (outcome.ok || identity === undefined || !host.runtime.isAlive(identity)) return
  recordEvent(host, record, member.name, 'Warning', 'FailedPostStartHook', 'PostStartHook failed')
  recordEvent(host, record, member.name, 'Normal', 'Killing', 'FailedPostStartHook')
  await host.runtime.stop(containerId, identity, {
    signal: stopSignal,
    graceSeconds: record.plan.terminationGracePeriodSeconds,
  })
}

/** Runs the preStop hook within the grace period; returns the seconds that are left of it. */
export async function runPreStop(
  host: Host,
  record: PodRecord,
  member: MemberPlan,
  containerId: string,
  graceSeconds: number,
): Promise<number> {
  const handler = member.container.lifecycle?.preStop
  if (!handler) return graceSeconds
  const begun = performance.now()
  const hook = runHook(host, record, member, containerId, handler, graceSeconds * 1000)
  const identity = record.containers[member.name]?.process
  const abort = new AbortController()
  // A container that ends by itself, or is killed meanwhile, has nothing left to be asked.
  const ended = identity === undefined ? hook : host.runtime.ended(containerId, identity, abort.signal)
  const outcome = await Promise.race([hook, ended.then(() => ({ ok: true, message: '' }))])
  abort.abort()
  if (!outcome.ok) recordEvent(host, record, member.name, 'Warning', 'FailedPreStopHook', 'PreStopHook failed')
  return Math.max(LEAST_GRACE_SECONDS, graceSeconds - (performance.now() - begun) / 1000)
}

function runHook(
  host: Host,
  record: PodRecord,
  member: MemberPlan,
  containerId: string,
  handler: V1LifecycleHandler,
  timeoutMs: number,
): Promise<{ readonly ok: boolean; readonly message: string }> {
  return host.handlers.run({
    handler,
    containerId,
    container: member.name,
    ports: member.container.ports ?? [],
    address: record.address ?? '127.0.0.1',
    timeoutMs,
    userAgent: 'kube-lifecycle/1.0',
  })
}
