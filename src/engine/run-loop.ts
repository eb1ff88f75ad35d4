/**
 * The run loop: decides what can be done now, does it, applies the outcome, and decides again. Pods are independent of
 * each other and run side by side; within a pod everything that is possible at a time runs at once.
 */
import { availableParallelism } from 'node:os'
import { during, KubeError } from '../diagnostic.ts'
import { type Action, type ActionKind, actionKey, inverse, stepOf } from '../reconcile/actions.ts'
import { apply } from '../reconcile/apply.ts'
import { decideDown, decideEnd, decideStops, decideUp, type Held, nextDueMs } from '../reconcile/decide.ts'
import type { ObservedPod } from '../reconcile/observed.ts'
import type { BackoffLimits } from '../reconcile/restart.ts'
import { execute, type RecordBook } from './executors.ts'
import { type Limiter, limiter } from './limiter.ts'
import { observePod } from './observe.ts'
import type { Host, PodRecord } from './ports.ts'
import type { PullLog } from './pull-log.ts'
import { tolerate } from './start-failure.ts'
import { timeoutSignal } from './timer.ts'

/** How long postStart hooks are waited for: most end soon, and who comes next may count on their pod. */
const HOOK_PATIENCE_MS = 20_000

export interface RunOptions {
  readonly host: Host
  /** Milliseconds that a postStart hook is waited for; one that takes longer is left to the supervisor. Default 20 s. */
  readonly hookPatienceMs?: number
  /** Ends the run early: nothing new is begun. */
  readonly signal?: AbortSignal
  /** Told of each action that was done. */
  readonly onAction?: (action: Action, pod: PodRecord) => void
  /** What was pulled for its containers. Default nothing. */
  readonly pulls?: PullLog
}

/** What is different about a run that looks after pods that are up. */
export interface Care {
  /** Containers that are not to be begun yet. Default none. */
  readonly held?: (pod: ObservedPod) => Held
  /** Default: the first failure fails the run. */
  readonly onFailure?: OnFailure
  /** postStart hooks are somebody else's: they are noted as running. Default: the run waits for them. */
  readonly leavesHooks?: boolean
}

/** What the run loop asks of a failed action: the pod as it is from now on; undefined: the run fails. */
export type OnFailure = (pod: ObservedPod, action: Action, error: unknown) => Promise<ObservedPod | undefined>

/** One command's run over some pods. */
export interface Run extends RunOptions {
  readonly records: RecordBook
  /** Inverses of what was begun, in that order. */
  readonly journal: Action[]
  readonly spawning: Limiter
  /** Does one action, without recording how to undo it. */
  execute(action: Action): Promise<void>
}

/** Actions whose cost is another program's: bounded, so that a thousand pods don't start a thousand processes at once. */
const SPAWNING: ReadonlySet<ActionKind> = new Set([
  'startInfra',
  'stopInfra',
  'createContainer',
  'startContainer',
  'deleteContainer',
])

/** Programs started at once per processor: each waits for the disk or the kernel part of the time. */
const SPAWNS_PER_PROCESSOR = 3

export function beginRun(options: RunOptions): Run {
  const records = recordBook(options)
  const spawning = limiter(Math.max(4, availableParallelism() * SPAWNS_PER_PROCESSOR))
  return { ...options, records, journal: [], spawning, execute: action => execute(action, options.host, records) }
}

function recordBook({ pulls, signal, hookPatienceMs = HOOK_PATIENCE_MS }: RunOptions): RecordBook {
  const records = new Map<string, PodRecord>()
  return {
    pulls,
    signal,
    hookPatienceMs,
    infraStarts: new Map(),
    get(uid) {
      const record = records.get(uid)
      if (!record) throw new KubeError('NoSuchPod', `there is no pod with uid ${uid}`)
      return record
    },
    set(record) {
      records.set(record.uid, record)
    },
  }
}

/**
 * Brings a recorded pod up, and waits for its init containers, `patienceMs` in all; the ends of those that run longer
 * wake a supervisor, which goes on. Sidecars that end meanwhile are started again as a supervisor would. Fails with the first failure, once everything that was begun for the pod is over.
 * One whose init container failed stays as it is: what its programs do is no failure of the run.
 */
export async function bringUp(run: Run, record: PodRecord, patienceMs = Infinity): Promise<void> {
  run.records.set(record)
  // The supervisor keeps deadlines.
  const deadlineSeconds = record.plan.pod.spec?.activeDeadlineSeconds ?? Infinity
  const untilMs = Date.now() + Math.min(patienceMs, deadlineSeconds * 1000)
  const observe = async (pod: ObservedPod) =>
    (await initMoved(run, pod, untilMs)) ? observePod(run.host, run.records.get(pod.uid)) : undefined
  const { backoff, now } = run.host
  await settle(run, observePod(run.host, record), {
    decide: pod => decideUp(pod, { nowMs: Date.parse(now()), limits: backoff, isNew: true }),
    observeAgain: observe,
    // What has run before is in order.
    onFailure: async (pod, action, error) => {
      const hasRun = 'container' in action && pod.containers[action.container]?.lifecycle?.last !== undefined
      return hasRun ? tolerate(run, record)(pod, action, error) : undefined
    },
  })
}

/** Does what is due for a pod that is up: restarts, what waited for an init container or a sidecar. Stops nothing. */
export async function keepUp(
  run: Run,
  record: PodRecord,
  limits: BackoffLimits,
  { held, onFailure, leavesHooks = false }: Care = {},
): Promise<ObservedPod> {
  run.records.set(record)
  const clock = () => ({ nowMs: Date.parse(run.host.now()), limits, leavesHooks })
  const decide = (pod: ObservedPod) => decideUp(pod, { ...clock(), ...(held ? { held: held(pod) } : {}) })
  return settle(run, observePod(run.host, record), { decide, ...(onFailure ? { onFailure } : {}) })
}

/** Ends what runs of a pod that is recorded as stopped; everything else of it stays. `graceSeconds` as in `takeDown`. */
export async function halt(run: Run, record: PodRecord, graceSeconds?: number): Promise<void> {
  run.records.set(record)
  await settle(run, observePod(run.host, record), { decide: pod => decideStops(pod, graceSeconds) })
}

/** Takes away what a pod that is over has no more use for; its record, logs and files stay. */
export async function endPod(run: Run, record: PodRecord): Promise<void> {
  run.records.set(record)
  await settle(run, observePod(run.host, record), { decide: decideEnd })
}

/** Takes a recorded pod away, down to its record. `graceSeconds` replaces the pod's own grace period. */
export async function takeDown(run: Run, record: PodRecord, graceSeconds?: number): Promise<void> {
  run.records.set(record)
  let forgotten = false
  const decide = (pod: ObservedPod) => {
    if (forgotten) return []
    const actions = decideDown(pod, graceSeconds)
    forgotten = actions.some(action => action.kind === 'forgetPod')
    return actions
  }
  await settle(run, observePod(run.host, record), { decide })
}

interface Steps {
  readonly decide: (pod: ObservedPod) => readonly Action[]
  /** Waits for what can change without us; undefined: there is nothing more to wait for, as by default. */
  readonly observeAgain?: (pod: ObservedPod) => Promise<ObservedPod | undefined>
  readonly onFailure?: OnFailure
}

async function settle(run: Run, start: ObservedPod, steps: Steps): Promise<ObservedPod> {
  const { decide, observeAgain, onFailure } = steps
  let pod = start
  const running = new Map<string, Promise<void>>()
  const failures: unknown[] = []

  const begin = (action: Action) => {
    const key = actionKey(action)
    const done = perform(run, pod, action)
      .then(() => {
        pod = apply(pod, action)
      })
      .catch(async (error: unknown) => {
        const after = await onFailure?.(pod, action, error)
        if (after) pod = after
        else failures.push(error)
      })
      .catch((error: unknown) => void failures.push(error))
      .finally(() => running.delete(key))
    running.set(key, done)
    if (action.kind === 'startInfra') {
      run.records.infraStarts.set(
        action.uid,
        done.then(() => pod.infra === 'running'),
      )
    }
  }

  for (;;) {
    if (failures.length === 0 && !run.signal?.aborted) {
      try {
        for (const action of decide(pod)) if (!running.has(actionKey(action))) begin(action)
      } catch (error) {
        failures.push(error)
      }
    }
    if (running.size > 0) {
      await Promise.race(running.values())
      continue
    }
    if (failures.length > 0) throw failures[0]
    if (run.signal?.aborted) throw new KubeError('Interrupted', 'interrupted')
    const later = await observeAgain?.(pod)
    if (!later) return pod
    pod = later
  }
}

async function perform(run: Run, pod: ObservedPod, action: Action): Promise<void> {
  const { host, records } = run
  const undo = inverse(action)
  if (undo) run.journal.push(undo)
  try {
    if (SPAWNING.has(action.kind) && !hasStartHook(pod, action))
      await run.spawning(() => execute(action, host, records))
    else await execute(action, host, records)
    run.onAction?.(action, records.get(action.uid))
  } catch (error) {
    const object = 'container' in action ? `container ${action.container}: ` : ''
    const failure = during(`pod ${pod.plan.name}: ${object}${stepOf(action.kind)}`, error)
    const hint = failure.hint ?? memoryHint(pod, action)
    throw hint === undefined ? failure : new KubeError(failure.code, failure.message, { cause: error, hint })
  }
}

/** What the smallest program with its runtime takes; Docker refuses a limit below it. */
const LEAST_MEMORY_BYTES = 6 * 1024 * 1024

/** Whatever fails with too little memory fails in its own way: killed before its namespaces are there, for one. */
function memoryHint({ plan }: ObservedPod, action: Action): string | undefined {
  const container = 'container' in action ? action.container : undefined
  const member = plan.members.find(({ name }) => name === container)
  const limit = Math.min(plan.resources.memoryBytes ?? Infinity, member?.resources.memoryBytes ?? Infinity)
  if (limit >= LEAST_MEMORY_BYTES) return undefined
  return `a memory limit of ${limit} bytes is too little to start a container: is its unit missing, as in 128Mi?`
}

/** A hook can take any time; others need not wait for it. */
function hasStartHook(pod: ObservedPod, action: Action): boolean {
  if (action.kind !== 'startContainer') return false
  const member = pod.plan.members.find(({ name }) => name === action.container)
  return member?.container.lifecycle?.postStart !== undefined
}

/** The least time between two looks at a pod, in milliseconds. */
const LOOK_MS = 50

/**
 * Waits until the running init container that the rest of the pod waits for has ended, or a sidecar has, or is to be started
 * again; false when no init container runs, or no time is left.
 */
async function initMoved(run: Run, pod: ObservedPod, untilMs: number): Promise<boolean> {
  const { runtime, backoff, now } = run.host
  const record = run.records.get(pod.uid)
  const running = pod.plan.members.filter(({ role, name }) => {
    const isAwaited = role === 'init' || role === 'sidecar'
    return isAwaited && pod.containers[name]?.state === 'running' && record.containers[name]?.process !== undefined
  })
  const leftMs = untilMs - Date.now()
  if (pod.removing || leftMs <= 0 || !running.some(({ role }) => role === 'init')) return false
  const dueMs = (nextDueMs(pod, backoff, 'sidecar') ?? Infinity) - Date.parse(now())
  const enough = new AbortController()
  const soonest = soon(run.signal, Math.min(leftMs, Math.max(dueMs, LOOK_MS)))
  const signal = soonest ? AbortSignal.any([soonest, enough.signal]) : enough.signal
  const ends = running.map(({ name }) => {
    const { id, process: identity } = record.containers[name]!
    return runtime.ended(id, identity!, signal)
  })
  await Promise.race(ends)
  enough.abort()
  return true
}

/** The signal, or the end of the time, whichever comes first. */
function soon(signal: AbortSignal | undefined, ms: number): AbortSignal | undefined {
  if (ms === Infinity) return signal
  const timeout = timeoutSignal(ms)
  return signal ? AbortSignal.any([signal, timeout]) : timeout
}
