/** Looks after one pod: restarts, probes, its deadline. */
import { causeChain } from '../diagnostic.ts'
import { observePod } from '../engine/observe.ts'
import type { Host, PodRecord } from '../engine/ports.ts'
import { beginRun, endPod, halt, keepUp } from '../engine/run-loop.ts'
import { tolerate } from '../engine/start-failure.ts'
import { LONGEST_TIMER_MS } from '../engine/timer.ts'
import { hasStorageLimits } from '../plan/storage-limits.ts'
import type { Action } from '../reconcile/actions.ts'
import { decideEnd, decideStops, decideUp, nextDueMs, podKey } from '../reconcile/decide.ts'
import type { ObservedPod } from '../reconcile/observed.ts'
import { probesOf } from '../reconcile/probe.ts'
import { isOver, nextBackoff } from '../reconcile/restart.ts'
import type { Claims } from './claims.ts'
import { failWhenOverdue, podDeadlineMs } from './deadline.ts'
import { imagePulls, type Pull, pullNewsMs, tellPullBackoff } from './image-pulls.ts'
import { startProbes } from './probe-worker.ts'
import { startHooks } from './start-hooks.ts'
import { failWhenTooLarge, STORAGE_LOOK_MS } from './storage-limits.ts'
import { renewTokens, tokenDueMs } from './tokens.ts'
import { needsNewSandbox, tellBackoff, tellNewSandbox } from './waiting.ts'

/** Disposing of it waits for what it is doing. */
export interface PodWatch extends AsyncDisposable {
  /** Looks at the pod and does what is due. Never fails. */
  look(): void
  /** Why the pod needs a supervisor; empty: it doesn't. */
  reasons(): readonly string[]
}

/** How soon an app that another command holds is tried again, in milliseconds. */
const CLAIMED_MS = 100

/** Least time between two renewals, in milliseconds. */
const TOKEN_PAUSE_MS = 1000

export interface WatchOptions {
  readonly host: Host
  readonly uid: string
  readonly claims: Claims
  /** Called when `reasons` may have changed. */
  readonly onChange: () => void
  /** The pod is gone, or being removed by somebody. */
  readonly onGone: () => void
  readonly pull: Pull
}

export function watchPod({ host, uid, claims, onChange, onGone, pull }: WatchOptions): PodWatch {
  const { claim, release } = claims
  const pulls = imagePulls({ host, uid, pull, onEnd: look })
  const hooks = startHooks({ host, onEnd: look })
  /** By container; with the attempt they belong to. */
  const probes = new Map<string, { readonly attempt: number; readonly worker: Disposable }>()
  const killing = new Set<string>()
  let timer: { readonly handle: NodeJS.Timeout; readonly reason: string } | undefined
  let busy = false
  let again = false
  /** Milliseconds that were waited after the last failure; 0: there was none. */
  let patienceMs = 0
  let over = false
  let work: Promise<void> = Promise.resolve()

  /** When its use of the disk is looked at again, in milliseconds since 1970. */
  let storageMs = 0

  /** For messages; the pod's name once it is known. */
  let title = uid

  const nowMs = () => Date.parse(host.now())

  function wakeIn(ms: number, reason: string): void {
    clearTimer()
    if (over) return
    // Timers take at most 2^31 - 1 milliseconds; looking too early does no harm.
    timer = { handle: setTimeout(look, Math.min(Math.max(0, ms), LONGEST_TIMER_MS)), reason }
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
    work = lookOnce()
      .catch((error: unknown) => {
        patienceMs = nextBackoff(patienceMs, host.backoff)
        wakeIn(patienceMs, `tried again soon: ${causeChain(error)}`)
      })
      .finally(() => {
        busy = false
        if (over) return
        if (again) {
          again = false
          look()
        } else onChange()
      })
  }

  async function lookOnce(): Promise<void> {
    clearTimer()
    const record = host.state.pod(uid)
    if (!record || record.removing) return gone()
    title = podKey(record.plan)
    if (record.builder !== undefined) {
      return host.runtime.isAlive(record.builder) ? wakeIn(CLAIMED_MS, 'it is being made') : gone()
    }
    failWhenOverdue(host, record)
    await lookAtStorage(record)
    const current = host.state.pod(uid) ?? record
    const pod = observePod(host, current)
    tellBackoff(host, current, pod)
    tellPullBackoff(host, current)
    if (current.stopped) return stopPod(current, pod)
    stopWhatIsOver(current, pod)
    if (!renewWhatIsDue(current, pod)) return wakeIn(CLAIMED_MS, 'another command is at work')
    const clock = { nowMs: nowMs(), limits: host.backoff, held: pulls.look(pod) }
    const isDue = decideUp(pod, clock).length > 0
    if (!isDue && decideEnd(pod).length === 0) return waitForMore(host.state.pod(uid) ?? current, pod)
    const signal = claim(record.app)
    if (!signal) return wakeIn(CLAIMED_MS, 'another command is at work')
    try {
      await (isDue ? start(signal) : end())
    } finally {
      release(record.app)
    }
  }

  /** Gives back what only a running pod needs. */
  async function end(): Promise<void> {
    const record = host.state.pod(uid)
    if (!record || record.removing) return gone()
    await endPod(beginRun({ host }), record)
    const after = host.state.pod(uid)
    if (after) waitForMore(after, observePod(host, after))
  }

  async function lookAtStorage(record: PodRecord): Promise<void> {
    if (record.failure || storageMs > nowMs() || !hasStorageLimits(record.plan)) return
    await failWhenTooLarge(host, record)
    storageMs = nowMs() + STORAGE_LOOK_MS
  }

  /** Returns whether no token is left that should be renewed. */
  function renewWhatIsDue(record: PodRecord, pod: ObservedPod): boolean {
    if ((tokenDueMs(host, record, pod) ?? Infinity) > nowMs()) return true
    if (!claim(record.app)) return false
    try {
      renewTokens(host, uid)
    } finally {
      release(record.app)
    }
    return true
  }

  /** Never at once: they were renewed just now. */
  function nextTokensMs(record: PodRecord, pod: ObservedPod): number | undefined {
    const due = tokenDueMs(host, record, pod)
    return due === undefined ? undefined : Math.max(due, nowMs() + TOKEN_PAUSE_MS)
  }

  function gone(): void {
    stopProbes()
    hooks[Symbol.dispose]()
    onGone()
  }

  /** Does what is due, now that no other command does. */
  async function start(signal: AbortSignal): Promise<void> {
    // Asked again: the command that had the claim before may have removed it.
    const record = host.state.pod(uid)
    if (!record || record.removing) return gone()
    await host.runtime.prepare()
    let isNewTold = needsNewSandbox(observePod(host, record))
    if (isNewTold) tellNewSandbox(host, record)
    // The infra container may die only now.
    const onAction = ({ kind }: Action) => {
      if (kind !== 'stopInfra' || isNewTold) return
      isNewTold = true
      tellNewSandbox(host, record)
    }
    const run = beginRun({ host, signal, pulls, onAction })
    try {
      await keepUp(run, record, host.backoff, {
        held: pulls.look,
        onFailure: tolerate(run, record),
        leavesHooks: true,
      })
    } catch (error) {
      if (!signal.aborted) throw error
      return wakeIn(CLAIMED_MS, 'another command is at work')
    }
    patienceMs = 0
    const after = host.state.pod(uid)
    if (!after || after.removing) return gone()
    const pod = observePod(host, after)
    tellBackoff(host, after, pod)
    waitForMore(after, pod)
  }

  function waitForMore(record: PodRecord, pod: ObservedPod): void {
    hooks.look(record, pod)
    updateProbes(record, pod)
    const due = [
      { ms: pullNewsMs(record), reason: 'a pull has failed' },
      { ms: nextDueMs(pod, host.backoff), reason: 'a restart is due' },
      { ms: podDeadlineMs(record, pod), reason: 'its deadline' },
      { ms: hasStorageLimits(record.plan) && !isOver(pod) ? storageMs : undefined, reason: 'limits of its storage' },
      { ms: nextTokensMs(record, pod), reason: 'renewal of its tokens' },
    ].flatMap(({ ms, reason }) => (ms === undefined ? [] : [{ ms, reason }]))
    const first = due.sort((a, b) => a.ms - b.ms)[0]
    if (first) wakeIn(first.ms - nowMs(), first.reason)
  }

  function updateProbes(record: PodRecord, pod: ObservedPod): void {
    for (const member of record.plan.members) {
      const known = record.containers[member.name]
      const current = probes.get(member.name)
      const isUp = pod.containers[member.name]?.state === 'running' && known?.lifecycle?.hook === undefined
      const runs = isUp && known?.startedAt !== undefined && !killing.has(member.name)
      if (current && (!runs || current.attempt !== known?.attempt)) {
        current.worker[Symbol.dispose]()
        probes.delete(member.name)
      }
      if (!runs || probes.has(member.name) || Object.keys(probesOf(member.container)).length === 0) continue
      const { id, attempt, startedAt } = known
      const worker = startProbes({
        host,
        record,
        member,
        containerId: id,
        attempt,
        startedMs: Date.parse(startedAt!),
        onKill(graceSeconds, message) {
          void kill(record, member.name, graceSeconds, message)
        },
        onTurn: look,
      })
      probes.set(member.name, { attempt, worker })
    }
  }

  /** Finishes what a command began that was killed at it; one that lives has the claim. */
  async function stopPod(record: PodRecord, pod: ObservedPod): Promise<void> {
    if (decideStops(pod).length === 0) return waitForMore(record, pod)
    if (!claim(record.app)) return wakeIn(CLAIMED_MS, 'another command is at work')
    try {
      const now = host.state.pod(uid)
      if (now?.stopped && !now.removing) await halt(beginRun({ host }), now)
    } finally {
      release(record.app)
    }
    again = true
  }

  /** A pod that is over ends as a whole: what still runs is stopped. */
  function stopWhatIsOver(record: PodRecord, pod: ObservedPod): void {
    for (const { container, graceSeconds } of decideStops(pod)) {
      if (!killing.has(container)) void kill(record, container, graceSeconds)
    }
  }

  /** Without the app's claim: it may take the whole grace period, and a removal must not wait for it. */
  async function kill(record: PodRecord, container: string, graceSeconds: number, message?: string): Promise<void> {
    const now = host.state.pod(uid)
    if (!now || now.removing) return
    killing.add(container)
    probes.get(container)?.worker[Symbol.dispose]()
    probes.delete(container)
    try {
      const run = beginRun({ host })
      run.records.set(host.state.pod(uid) ?? record)
      const why = message === undefined ? {} : { message }
      await run.execute({ kind: 'killContainer', uid, container, graceSeconds, ...why })
    } catch {
      // It is gone; what follows is decided by what is observed.
    } finally {
      killing.delete(container)
      look()
    }
  }

  function stopProbes(): void {
    for (const { worker } of probes.values()) worker[Symbol.dispose]()
    probes.clear()
  }

  return {
    look,
    reasons() {
      const lines = [
        ...[...probes.keys()].map(name => `probes of container ${name}`),
        ...(timer ? [timer.reason] : []),
        ...(busy ? ['work in progress'] : []),
        ...[...pulls.pulling].map(name => `the image of container ${name} is being pulled`),
        ...[...hooks.running].map(name => `the postStart hook of container ${name}`),
        ...[...killing].map(name => `container ${name} is ending`),
      ]
      return lines.map(line => `pod ${title}: ${line}`)
    },
    async [Symbol.asyncDispose]() {
      over = true
      clearTimer()
      stopProbes()
      await work
    },
  }
}
