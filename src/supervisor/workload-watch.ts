/** Looks after the workloads of one app: what their controllers decide, now and when time has come. */
import { causeChain } from '../diagnostic.ts'
import { sweep } from '../engine/down.ts'
import type { Host, PodRecord } from '../engine/ports.ts'
import { beginRun, takeDown } from '../engine/run-loop.ts'
import { LONGEST_TIMER_MS } from '../engine/timer.ts'
import { isAbandoned, isEnding, viewApp } from '../engine/workload-world.ts'
import { bringUpCreated, isStepDue, stepWorkloads, type WorkloadStep } from '../engine/workloads.ts'
import { nextBackoff } from '../reconcile/restart.ts'
import { earliest } from '../workloads/pods.ts'
import type { Claims } from './claims.ts'

/** Disposing of it waits for what it is doing, but not for pods that are ending: the next supervisor goes on with them. */
export interface WorkloadWatch extends AsyncDisposable {
  /** Looks at the app's workloads and does what is due. Never fails. */
  look(): void
  /** Why they need a supervisor; empty: they don't. */
  reasons(): readonly string[]
}

export interface WorkloadWatchOptions {
  readonly host: Host
  readonly app: string
  readonly claims: Claims
  /** Pods that were made and want to be looked after. */
  readonly onPods: (uids: readonly string[]) => void
  /** Called when `reasons` may have changed. */
  readonly onChange: () => void
}

/** How soon an app that another command holds is tried again, in milliseconds. */
const CLAIMED_MS = 100
/** Pods made at once at most: a command that wants the app, or the end of this process, waits for no more than those. */
const MAX_BATCH = 32

export function watchWorkloads(options: WorkloadWatchOptions): WorkloadWatch {
  const { host, app, onPods, onChange } = options
  const { claim, share, release } = options.claims
  /** Pods that this process is taking down. */
  const ending = new Map<string, Promise<void>>()
  const making = new Set<Promise<void>>()
  let timer: { readonly handle: NodeJS.Timeout; readonly reason: string } | undefined
  let busy = false
  let again = false
  let over = false
  let patienceMs = 0
  /** Doubles with each batch that went well, as in Kubernetes' slowStartBatch. */
  let batch = 1
  let work: Promise<void> = Promise.resolve()
  let sweeping: Promise<void> | undefined

  function wakeIn(ms: number, reason: string): void {
    clearTimer()
    // Looking too early does no harm.
    if (!over) timer = { handle: setTimeout(look, Math.min(Math.max(0, ms), LONGEST_TIMER_MS)), reason }
  }

  function clearTimer(): void {
    if (timer) clearTimeout(timer.handle)
    timer = undefined
  }

  function look(): void {
    if (over) return
    if (busy) {
      again = true
      return
    }
    busy = true
    // Once for all that happens in this turn: the pods of a workload often change together.
    work = new Promise<void>(resolve => setImmediate(resolve))
      .then(lookOnce)
      .catch(retry)
      .finally(() => {
        busy = false
        if (over) return
        if (again) {
          again = false
          look()
        } else onChange()
      })
  }

  function retry(error: unknown): void {
    patienceMs = nextBackoff(patienceMs, host.backoff)
    wakeIn(patienceMs, `tried again soon: ${causeChain(error)}`)
  }

  async function lookOnce(): Promise<void> {
    clearTimer()
    const left = orphans()
    if (left.length === 0 && !isStepDue(host, app)) return wait(nextWakeMs())
    if (!claim(app)) return wakeIn(CLAIMED_MS, 'another command is at work')
    let step: WorkloadStep
    try {
      // With the claim nobody else is at them: whoever began to take them away is dead.
      for (const uid of orphans()) end(uid)
      // One batch after the other.
      step = await stepWorkloads(host, app, making.size > 0 ? 0 : batch)
      batch = step.more && step.failures.length === 0 ? Math.min(batch * (making.size > 0 ? 1 : 2), MAX_BATCH) : 1
      if (step.created.length > 0) bringUp(step.created)
    } finally {
      release(app)
    }
    for (const uid of step.removed) end(uid)
    if (step.failures.length > 0) return retry(step.failures.join('; '))
    patienceMs = 0
    wait(step.wakeAtMs)
  }

  function wait(atMs: number | undefined): void {
    if (atMs !== undefined) wakeIn(atMs - Date.parse(host.now()), 'its time has not come')
  }

  function nextWakeMs(): number | undefined {
    return earliest(
      viewApp(host, app)
        .decisions()
        .map(({ decision }) => decision.wakeAtMs),
    )
  }

  /** Pods of the controllers that are marked and that nobody in this process takes down. */
  function orphans(): readonly string[] {
    const { pods, objects } = viewApp(host, app)
    const isLeft = (pod: PodRecord) =>
      (isEnding(pod, objects) || (pod.removing && isAbandoned(host, pod))) && !ending.has(pod.uid)
    return pods.filter(isLeft).map(({ uid }) => uid)
  }

  /** With the app's claim, which the caller has as well. */
  function bringUp(uids: readonly string[]): void {
    share(app)
    const done = bringUpCreated(beginRun({ host }), app, uids)
      .catch(retry)
      .finally(() => {
        making.delete(done)
        release(app)
        if (over) return
        onPods(uids)
        look()
      })
    making.add(done)
  }

  /** Once for all that end in the same moment. */
  function sweepSoon(): Promise<void> {
    sweeping ??= new Promise<void>(resolve => setImmediate(resolve)).then(() => {
      sweeping = undefined
      return sweep(host)
    })
    return sweeping
  }

  /** Without the app's claim: it takes the pod's grace period. */
  function end(uid: string): void {
    const record = host.state.pod(uid)
    if (!record || ending.has(uid)) return
    const done = takeDown(beginRun({ host }), record)
      .then(sweepSoon)
      .catch(retry)
      .finally(() => {
        ending.delete(uid)
        look()
      })
    ending.set(uid, done)
  }

  return {
    look,
    reasons() {
      const lines = [
        ...(timer ? [timer.reason] : []),
        ...(busy ? ['work in progress'] : []),
        ...(making.size > 0 ? ['pods are being made'] : []),
        ...(ending.size > 0 ? [`${ending.size} pods are ending`] : []),
      ]
      return lines.map(line => `workloads of app ${app}: ${line}`)
    },
    async [Symbol.asyncDispose]() {
      over = true
      clearTimer()
      await work
      await Promise.all(making)
    },
  }
}
