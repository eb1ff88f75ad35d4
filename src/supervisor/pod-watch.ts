/** Looks after one pod: restarts, probes, its deadline. */
import { causeChain, KubeError } from '../diagnostic.ts'
import { recordEvent } from '../engine/events.ts'
import { observePod } from '../engine/observe.ts'
import type { Host, PodRecord } from '../engine/ports.ts'
import { beginRun, keepUp } from '../engine/run-loop.ts'
import { nextDueMs } from '../reconcile/decide.ts'
import { NEW_LIFE } from '../reconcile/lifecycle.ts'
import type { ObservedPod } from '../reconcile/observed.ts'
import { probesOf } from '../reconcile/probe.ts'
import { isOver, nextBackoff, restartDueMs } from '../reconcile/restart.ts'
import { startProbes } from './probe-worker.ts'

export interface PodWatch extends Disposable {
  /** Looks at the pod and does what is due. Never fails. */
  look(): void
  /** Why the pod needs a supervisor; empty: it doesn't. */
  reasons(): readonly string[]
}

/** How soon an app that another command holds is tried again, in milliseconds. */
const CLAIMED_MS = 100

export interface WatchOptions {
  readonly host: Host
  readonly uid: string
  /** Holds the app for this process, which may hold it for several pods at once; false: another command has it. */
  readonly claim: (app: string) => boolean
  readonly release: (app: string) => void
  /** Called when `reasons` may have changed. */
  readonly onChange: () => void
  /** The pod is gone, or being removed by somebody. */
  readonly onGone: () => void
}

export function watchPod({ host, uid, claim, release, onChange, onGone }: WatchOptions): PodWatch {
  /** By container; with the attempt they belong to. */
  const probes = new Map<string, { readonly attempt: number; readonly worker: Disposable }>()
  const killing = new Set<string>()
  let timer: { readonly handle: NodeJS.Timeout; readonly reason: string } | undefined
  let busy = false
  let again = false
  let failures = 0

  function wakeAt(ms: number, reason: string): void {
    clearTimer()
    // Timers take at most 2^31 - 1 milliseconds; looking too early does no harm.
    const delayMs = Math.min(Math.max(0, ms - Date.parse(host.now())), 2 ** 31 - 1)
    timer = { handle: setTimeout(look, delayMs), reason }
  }

  function clearTimer(): void {
    if (timer) clearTimeout(timer.handle)
    timer = undefined
  }

  function look(): void {
    if (busy) {
      again = true
      return
    }
    busy = true
    lookOnce()
      .catch((error: unknown) => {
        failures++
        wakeAt(Date.parse(host.now()) + Math.min(1000 * 2 ** failures, 60_000), `to try again: ${causeChain(error)}`)
      })
      .finally(() => {
        busy = false
        if (again) {
          again = false
          look()
        } else onChange()
      })
  }

  async function lookOnce(): Promise<void> {
    clearTimer()
    const record = host.state.pod(uid)
    if (!record || record.removing) {
      stopProbes()
      return onGone()
    }
    if (record.builder !== undefined) {
      if (host.runtime.isAlive(record.builder)) return wakeAt(Date.parse(host.now()) + CLAIMED_MS, 'being made')
      return onGone()
    }
    if (!claim(record.app)) {
      return wakeAt(Date.parse(host.now()) + CLAIMED_MS, 'another command is at work')
    }
    try {
      await keep(record)
    } finally {
      release(record.app)
    }
  }

  async function keep(record: PodRecord): Promise<void> {
    checkDeadline(record)
    const current = host.state.pod(uid) ?? record
    let pod = observePod(host, current)
    tellBackoff(current, pod)
    try {
      const run = beginRun({ host })
      await host.runtime.prepare()
      pod = await keepUp(run, current, host.backoff)
      failures = 0
    } catch (error) {
      tellStartFailure(current, error)
      throw error
    }
    const after = host.state.pod(uid)
    if (!after) return
    updateProbes(after, pod)
    const due = [nextDueMs(pod, host.backoff), deadlineMs(after, pod)].filter(ms => ms !== undefined)
    if (due.length > 0) wakeAt(Math.min(...due), 'a restart is due')
  }

  /** Fails the pod when its time is over. */
  function checkDeadline(record: PodRecord): void {
    const due = deadlineMs(record, observePod(host, record))
    if (due === undefined || due > Date.parse(host.now())) return
    const message = 'Pod was active on the node longer than the specified deadline'
    host.state.setFailure(uid, { reason: 'DeadlineExceeded', message })
    recordEvent(host, record, undefined, 'Normal', 'DeadlineExceeded', message)
  }

  /** Notes who waits for a restart, and says so. */
  function tellBackoff(record: PodRecord, pod: ObservedPod): void {
    const nowMs = Date.parse(host.now())
    for (const member of record.plan.members) {
      const known = record.containers[member.name]
      const due = restartDueMs(pod, member, host.backoff)
      if (!known || due === undefined || due <= nowMs) continue
      const lifecycle = known.lifecycle ?? NEW_LIFE
      const delay = `${lifecycle.backoffMs / 1000}s`
      const what = `restarting failed container=${member.name} pod=${record.plan.name}_${record.plan.namespace}(${uid})`
      const waiting = { reason: 'CrashLoopBackOff', message: `back-off ${delay} ${what}` }
      if (lifecycle.waiting?.message === waiting.message) continue
      host.state.setLifecycle(uid, member.name, known.attempt, { ...lifecycle, ready: false, started: false, waiting })
      recordEvent(host, record, member.name, 'Warning', 'BackOff', `Back-off ${what}`)
    }
  }

  function tellStartFailure(record: PodRecord, error: unknown): void {
    const message = causeChain(error)
    const member = record.plan.members.find(({ name }) => message.includes(`container ${name}:`))
    const known = member && host.state.container(uid, member.name)
    if (!member || !known) return
    const reason =
      error instanceof KubeError && error.code.startsWith('Command') ? 'RunContainerError' : 'CreateContainerError'
    const lifecycle = known.lifecycle ?? NEW_LIFE
    const backoffMs = nextBackoff(lifecycle.backoffMs, host.backoff)
    host.state.setLifecycle(uid, member.name, known.attempt, { ...lifecycle, backoffMs, waiting: { reason, message } })
    recordEvent(host, record, member.name, 'Warning', 'Failed', `Error: ${message}`)
  }

  function updateProbes(record: PodRecord, pod: ObservedPod): void {
    for (const member of record.plan.members) {
      const known = record.containers[member.name]
      const current = probes.get(member.name)
      const runs =
        pod.containers[member.name]?.state === 'running' && known?.startedAt !== undefined && !killing.has(member.name)
      if (current && (!runs || current.attempt !== known?.attempt)) {
        current.worker[Symbol.dispose]()
        probes.delete(member.name)
      }
      if (!runs || probes.has(member.name) || Object.keys(probesOf(member.container)).length === 0) continue
      const { id, attempt, startedAt } = known
      const startedMs = Date.parse(startedAt!)
      const worker = startProbes({
        host,
        record,
        member,
        containerId: id,
        attempt,
        startedMs,
        onKill: (name, _kind, grace) => void kill(record, name, grace),
      })
      probes.set(member.name, { attempt, worker })
    }
  }

  /** Without the app's claim: it may take the whole grace period, and a removal must not wait for it. */
  async function kill(record: PodRecord, container: string, graceSeconds: number): Promise<void> {
    killing.add(container)
    try {
      const run = beginRun({ host })
      run.records.set(host.state.pod(uid) ?? record)
      await run.execute({ kind: 'killContainer', uid, container, graceSeconds })
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
      const names = [...probes.keys()].map(name => `probes of container ${name}`)
      return [
        ...names,
        ...(timer ? [timer.reason] : []),
        ...(busy ? ['work in progress'] : []),
        ...[...killing].map(name => `container ${name} is ending`),
      ]
    },
    [Symbol.dispose]() {
      clearTimer()
      stopProbes()
    },
  }
}

/** When the pod's time is over, in milliseconds since 1970; `undefined`: it has no limit, or is over anyway. */
function deadlineMs(record: PodRecord, pod: ObservedPod): number | undefined {
  const seconds = record.plan.pod.spec?.activeDeadlineSeconds
  if (seconds === undefined || record.failure || isOver(pod)) return undefined
  return Date.parse(record.createdAt) + seconds * 1000
}
