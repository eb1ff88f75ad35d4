/**
 * The supervisor: the engine's run loop, driven by events. One per state root; it lives as long as a pod needs it. It
 * keeps nothing to itself: killed at any moment, the next one goes on from the records.
 */
import { observePod } from '../engine/observe.ts'
import type { Host, PodRecord } from '../engine/ports.ts'
import { needsController } from '../engine/workload-world.ts'
import { hasStorageLimits } from '../plan/storage-limits.ts'
import { tokenFiles } from '../plan/tokens.ts'
import { decideEnd, decideStops, decideUp, nextDueMs } from '../reconcile/decide.ts'
import type { ObservedPod } from '../reconcile/observed.ts'
import { probesOf } from '../reconcile/probe.ts'
import { isOver } from '../reconcile/restart.ts'
import { isWorkload } from '../workloads/decide.ts'
import { sharedClaims } from './claims.ts'
import { podDeadlineMs } from './deadline.ts'
import { type PodWatch, watchPod } from './pod-watch.ts'
import { sharedPulls } from './shared-pulls.ts'
import { type WorkloadWatch, watchWorkloads } from './workload-watch.ts'

/** What wakes it. Each is told of until it is disposed of. */
export interface SupervisorEvents {
  /** Something of the container with this id ended; null: of any container. */
  watchExits(told: (id: string | null) => void): Disposable
  /** A command changed the pods. */
  watchPokes(told: () => void): Disposable
}

export interface SuperviseOptions {
  readonly host: Host
  readonly events: SupervisorEvents
  readonly signal: AbortSignal
  /** Called with why it lives, whenever that changes. */
  readonly onReasons?: (reasons: readonly string[]) => void
}

/** How long it waits with nothing to do before it ends, in milliseconds: the next event often comes at once. */
const IDLE_MS = 300
/** How long changes are gathered before it asks itself why it lives, in milliseconds. */
const SETTLE_MS = 20

/** Runs until no pod needs it, or the signal. */
export async function supervise(options: SuperviseOptions): Promise<void> {
  const { host, signal } = options
  const watches = new Map<string, PodWatch>()
  const controllers = new Map<string, WorkloadWatch>()
  const podsById = new Map<string, string>()
  const { promise: over, resolve: end } = Promise.withResolvers<void>()
  let idle: NodeJS.Timeout | undefined
  let settling: NodeJS.Timeout | undefined

  const claims = sharedClaims(host, signal)
  const pull = sharedPulls(host, signal)

  function lookAtAll(): void {
    for (const app of appsWithWorkloads(host)) lookAtWorkloads(app)
    for (const record of host.state.pods()) {
      if (record.removing) continue
      for (const container of Object.values(record.containers)) podsById.set(container.id, record.uid)
      lookAt(record.uid)
    }
    settleIdle()
  }

  function lookAt(uid: string): void {
    let pod = watches.get(uid)
    if (!pod) {
      pod = watchPod({
        host,
        uid,
        claims,
        onChange: () => {
          const app = noteContainers(uid)
          if (app !== undefined) lookAtWorkloads(app)
          settleIdle()
        },
        pull,
        onGone: () => {
          void watches.get(uid)?.[Symbol.asyncDispose]()
          watches.delete(uid)
          settleIdle()
        },
      })
      watches.set(uid, pod)
    }
    pod.look()
  }

  /** Whatever happens to a pod can be news for the workload that it belongs to. */
  function lookAtWorkloads(app: string): void {
    let workloads = controllers.get(app)
    if (!workloads) {
      workloads = watchWorkloads({
        host,
        app,
        claims,
        onPods: uids => uids.forEach(lookAt),
        onChange: settleIdle,
      })
      controllers.set(app, workloads)
    }
    workloads.look()
  }

  /** A restarted container has a new id, and its exit file that name. Returns the app of a workload's pod. */
  function noteContainers(uid: string): string | undefined {
    const record = host.state.pod(uid)
    for (const { id } of Object.values(record?.containers ?? {})) podsById.set(id, uid)
    return record?.plan.owner === undefined ? undefined : record.app
  }

  /** Soon, once for all that changes meanwhile. */
  function settleIdle(): void {
    settling ??= setTimeout(() => {
      settling = undefined
      const reasons = [...watches.values(), ...controllers.values()].flatMap(one => one.reasons())
      options.onReasons?.(reasons)
      if (reasons.length > 0) {
        clearTimeout(idle)
        idle = undefined
      } else idle ??= setTimeout(end, IDLE_MS)
    }, SETTLE_MS)
  }

  using _exits = options.events.watchExits(id => {
    const uid = id === null ? undefined : podsById.get(id)
    if (uid !== undefined) lookAt(uid)
    else if (id === null) lookAtAll()
  })
  using _pokes = options.events.watchPokes(lookAtAll)
  signal.addEventListener('abort', () => end())
  if (signal.aborted) end()
  lookAtAll()
  await over
  clearTimeout(idle)
  clearTimeout(settling)
  await Promise.all([...watches.values(), ...controllers.values()].map(one => one[Symbol.asyncDispose]()))
}

/** Whether anything is due or probes are to run: what a supervisor asks that found nothing to do, once more at its end. */
export function isNeeded(host: Host): boolean {
  if (appsWithWorkloads(host).some(app => needsController(host, app))) return true
  return host.state.pods().some(record => {
    if (record.removing || record.builder !== undefined) return false
    const pod = observePod(host, record)
    const clock = { nowMs: Date.parse(host.now()), limits: host.backoff }
    return (
      decideUp(pod, clock).length > 0 ||
      decideStops(pod).length > 0 ||
      nextDueMs(pod, host.backoff) !== undefined ||
      podDeadlineMs(record, pod) !== undefined ||
      (hasStorageLimits(record.plan) && !isOver(pod)) ||
      (tokenFiles(record.plan).length > 0 && !isOver(pod)) ||
      hasProbes(record, pod) ||
      hasHooks(record, pod) ||
      decideEnd(pod).length > 0
    )
  })
}

function appsWithWorkloads(host: Host): readonly string[] {
  const objects = host.state.objects({ made: true })
  return [...new Set(objects.filter(({ kind }) => isWorkload(kind)).map(({ app }) => app))]
}

/** A postStart hook that nobody saw the end of. */
function hasHooks({ containers }: PodRecord, pod: ObservedPod): boolean {
  return Object.values(containers).some(
    ({ name, lifecycle }) => lifecycle?.hook === 'running' && pod.containers[name]?.state === 'running',
  )
}

function hasProbes({ plan }: PodRecord, pod: ObservedPod): boolean {
  return plan.members.some(
    ({ name, container }) => pod.containers[name]?.state === 'running' && Object.keys(probesOf(container)).length > 0,
  )
}
