/** The hooks of a container's life. Source: k8s.io/api/core/v1 Lifecycle; kubelet, kuberuntime_container.go. */
import type { V1LifecycleHandler } from '@kubernetes/client-node'
import type { MemberPlan } from '../plan/types.ts'
import { recordEvent } from './events.ts'
import { knownImage } from './known-image.ts'
import { monotonicMs } from './monotonic.ts'
import type { Host, PodRecord } from './ports.ts'
import { startTimer } from './timer.ts'

/** A postStart hook has no limit of its own; this only keeps a broken one from being waited for for ever. */
const POST_START_TIMEOUT_MS = 3_600_000
/** What a container still gets to end by itself when its hook used up the grace period, in seconds. */
const LEAST_GRACE_SECONDS = 2

/** A hook's container, and how long it may take. */
interface HookRun {
  readonly containerId: string
  /** It is cut short: the pod goes, or the run ends. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs the postStart hook; when it fails the container is stopped, and its restart policy decides what then. The event
 * does not say why: what a hook prints can hold secrets.
 */
export async function runPostStart(
  host: Host,
  record: PodRecord,
  member: MemberPlan,
  { containerId, signal }: HookRun,
): Promise<void> {
  const handler = member.container.lifecycle?.postStart
  if (!handler) return
  const limit = { containerId, signal, timeoutMs: POST_START_TIMEOUT_MS }
  const outcome = await runHook(host, record, member, handler, limit)
  if (signal?.aborted) return
  const identity = record.containers[member.name]?.process
  // A hook that runs in a container that ended meanwhile fails for that reason only.
  if (outcome.ok || identity === undefined || !host.runtime.isAlive(identity)) return
  recordEvent(host, record, member.name, 'Warning', 'FailedPostStartHook', 'PostStartHook failed')
  recordEvent(host, record, member.name, 'Normal', 'Killing', 'FailedPostStartHook')
  await host.runtime.stop(containerId, identity, {
    signal: stopSignal(host, member),
    graceSeconds: record.plan.terminationGracePeriodSeconds,
  })
}

/**
 * The same for a run that cannot wait for ever: false when the time was over before the hook was. It is cut short then, and
 * whoever looks after the pod runs it again.
 */
export async function waitForPostStart(
  host: Host,
  record: PodRecord,
  member: MemberPlan,
  { patienceMs, ...hook }: HookRun & { readonly patienceMs: number },
): Promise<boolean> {
  const abort = new AbortController()
  using _timer = startTimer(() => abort.abort(), patienceMs)
  const signal = hook.signal ? AbortSignal.any([hook.signal, abort.signal]) : abort.signal
  await runPostStart(host, record, member, { ...hook, signal })
  return !abort.signal.aborted
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
  const begun = monotonicMs()
  const hook = runHook(host, record, member, handler, { containerId, timeoutMs: graceSeconds * 1000 })
  const identity = record.containers[member.name]?.process
  const abort = new AbortController()
  // A container that ends by itself, or is killed meanwhile, has nothing left to be asked.
  const ended = identity === undefined ? hook : host.runtime.ended(containerId, identity, abort.signal)
  const outcome = await Promise.race([hook, ended.then(() => ({ ok: true, message: '' }))])
  abort.abort()
  if (!outcome.ok) recordEvent(host, record, member.name, 'Warning', 'FailedPreStopHook', 'PreStopHook failed')
  return Math.max(LEAST_GRACE_SECONDS, graceSeconds - (monotonicMs() - begun) / 1000)
}

function runHook(
  host: Host,
  record: PodRecord,
  member: MemberPlan,
  handler: V1LifecycleHandler,
  limit: HookRun & { readonly timeoutMs: number },
): Promise<{ readonly ok: boolean; readonly message: string }> {
  return host.handlers.run({
    ...limit,
    handler,
    container: member.name,
    ports: member.container.ports ?? [],
    address: record.address ?? '127.0.0.1',
    userAgent: 'kube-lifecycle/1.0',
  })
}

/** The manifest's, else the image's, else SIGTERM. */
export function stopSignal(host: Host, member: MemberPlan): string {
  const signal = member.stopSignal ?? knownImage(host, member.image)?.config.stopSignal ?? 'SIGTERM'
  return /^\d+$/.test(signal) || signal.startsWith('SIG') ? signal : `SIG${signal}`
}
