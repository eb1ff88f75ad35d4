/** Carrying out what the controllers decide for an app. The caller holds the app's claim. */
import { causeChain, formatPath, KubeError } from '../diagnostic.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { canonicalJson } from '../plan/canonical.ts'
import { planSources } from '../plan/plan-sources.ts'
import type { PodPlan } from '../plan/types.ts'
import { podKey } from '../reconcile/decide.ts'
import type { ObservedPod } from '../reconcile/observed.ts'
import { nextProgress } from '../workloads/decide.ts'
import type { Decision, WorkloadEvent } from '../workloads/types.ts'
import { doomClaims, settleDoomedClaims } from './doomed-claims.ts'
import { beginRemoval } from './down.ts'
import { heldImages } from './held-images.ts'
import type { Host, ObjectRecord, PodRecord } from './ports.ts'
import { keepUp, type Run } from './run-loop.ts'
import { tolerate } from './start-failure.ts'
import { hasMoves, hasOwner, isAbandoned, type PodCache, viewApp, type WorkloadDecision } from './workload-world.ts'

export interface WorkloadStep {
  /** uids of pods that were recorded and are now to be brought up. */
  readonly created: readonly string[]
  /** uids of pods that were marked and are now to be taken down. */
  readonly removed: readonly string[]
  /** When to look again though nothing happened, in milliseconds since 1970. */
  readonly wakeAtMs?: number
  /** More pods are wanted than one step may make. */
  readonly more: boolean
  /** What could not be done, in words: it has to be tried again. */
  readonly failures: readonly string[]
}

/** One decision may call for another; more rounds than this are a mistake. */
const MAX_ROUNDS = 1000

/**
 * Carries out decisions until there are no more: afterwards everything is recorded, and pods have to be made or ended.
 * Makes at most `limit` pods.
 */
export async function stepWorkloads(host: Host, app: string, limit = Number.POSITIVE_INFINITY): Promise<WorkloadStep> {
  const created: string[] = []
  const removed: string[] = collectGarbage(host, app)
  const failures: string[] = []
  const cache: PodCache = new Map()
  /** Pods that could not be made are not tried again in the same step. */
  const given = new Set<string>()
  let more = false
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const decisions = settleRecords(host, app, cache)
    // Before it is written down that they go: who comes after a kill in between sees them going.
    for (const uid of decisions.flatMap(({ decision }) => decision.remove)) {
      beginRemoval(host, uid)
      removed.push(uid)
    }
    doomClaims(
      host,
      decisions.flatMap(({ decision }) => decision.releaseClaims),
    )
    for (const { object, decision } of decisions) {
      remember(host, object, decision)
      if (decision.create.length === 0) tellAll(host, object, decision.events)
    }
    let isDone = decisions.every(({ decision }) => decision.remove.length === 0)
    for (const { object, decision } of decisions) {
      if (decision.create.length === 0 || given.has(object.uid)) continue
      const batch = firstOf(decision, limit - created.length)
      if (batch !== decision) {
        more = true
        given.add(object.uid)
      }
      if (batch.create.length === 0) continue
      const { uids, failure } = await createPods(host, object, batch)
      created.push(...uids)
      if (failure !== undefined) {
        failures.push(failure)
        given.add(object.uid)
        tellAll(host, object, [{ type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${failure}` }])
      } else {
        tellAll(host, object, batch.events)
        isDone = false
      }
    }
    if (!isDone) continue
    const wakeAtMs = decisions.map(({ decision }) => decision.wakeAtMs).filter(at => at !== undefined)
    const gone = collectGarbage(host, app)
    return {
      created,
      removed: [...removed, ...gone],
      failures,
      more,
      ...(wakeAtMs.length === 0 ? {} : { wakeAtMs: Math.min(...wakeAtMs) }),
    }
  }
  throw new KubeError('ControllerStuck', `the controllers of app ${app} come to no end`)
}

/** Writes down what the first play of an app made, without making or ending any pod. */
export function recordWorkloads(host: Host, app: string): void {
  for (const { object, decision } of settleRecords(host, app, new Map())) {
    if (object.progress === undefined) remember(host, object, decision)
  }
}

/** Makes and forgets objects until that is all done; what is then decided is about pods alone. */
function settleRecords(host: Host, app: string, cache: PodCache): readonly WorkloadDecision[] {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const decisions = viewApp(host, app, cache).decisions()
    const moving = decisions.find(
      ({ decision }) => decision.removeSelf || decision.putChildren.length + decision.removeChildren.length > 0,
    )
    if (!moving) return decisions
    changeRecords(host, moving)
  }
  throw new KubeError('ControllerStuck', `the controllers of app ${app} come to no end`)
}

function changeRecords(host: Host, { object, decision }: WorkloadDecision): void {
  const known = new Map(host.state.objects({ app: object.app, made: true }).map(child => [child.uid, child]))
  for (const child of decision.putChildren) {
    host.state.putObject({
      ...child,
      app: object.app,
      namespace: object.namespace,
      owner: object.uid,
      createdAt: known.get(child.uid)?.createdAt ?? host.now(),
      ...(object.origin === undefined ? {} : { origin: object.origin }),
    })
  }
  for (const uid of decision.removeChildren) host.state.removeObject(uid)
  if (decision.removeSelf) host.state.removeObject(object.uid)
  else remember(host, object, decision)
  tellAll(host, object, decision.events)
}

/** Writes what the controller knows now, if that is news. */
function remember(host: Host, object: ObjectRecord, decision: Decision): void {
  const progress = nextProgress(object, decision)
  if (canonicalJson(progress) !== canonicalJson(object.progress)) host.state.setProgress(object.uid, progress)
}

function tellAll(host: Host, { kind, namespace, name, uid }: ObjectRecord, events: readonly WorkloadEvent[]): void {
  for (const event of events) host.state.addEvent({ kind, namespace, name, uid, ...event, at: host.now() })
}

interface Creation {
  readonly uids: readonly string[]
  readonly failure?: string
}

/** A decision with no more than so many of its pods, and the events of those. */
function firstOf(decision: Decision, count: number): Decision {
  if (decision.create.length <= count) return decision
  const create = decision.create.slice(0, Math.max(0, count))
  let told = 0
  const events = decision.events.filter(({ reason }) => reason !== CREATED || told++ < create.length)
  return { ...decision, create, events }
}

/** One such event for each pod, in their order. */
const CREATED = 'SuccessfulCreate'

/** Plans and records the pods, each by itself when they cannot be had together. */
async function createPods(host: Host, object: ObjectRecord, decision: Decision): Promise<Creation> {
  const { app, origin } = object
  const objects = host.state.objects().map(record => ({ ...record, value: record.value as KubernetesObject }))
  const results = planSources(decision.create, { objects, claims: decision.claims, ...origin })
  const plans = results.map(({ plan }) => plan)
  const error = results.flatMap(({ findings }) => findings).find(({ severity }) => severity === 'error')
  if (error) return { uids: [], failure: `${formatPath(error.path)}: ${error.message}` }
  // What a pod that was too many had is gone before another one of its name comes.
  await settleDoomedClaims(host)
  const uids: string[] = []
  let failure: string | undefined
  for (const plan of plans) {
    try {
      uids.push(addPod(host, app, plan))
    } catch (cause) {
      failure = `${podKey(plan)}: ${causeChain(cause)}`
    }
  }
  await shareNetwork(host, plans)
  return { uids, ...(failure === undefined ? {} : { failure }) }
}

function addPod(host: Host, app: string, plan: PodPlan): string {
  for (const port of plan.ports) host.checkPortFree(plan, port)
  const uid = host.newUid()
  host.state.addPods(app, [{ uid, plan }])
  return uid
}

/** The bridge goes with the last pod, so it may have to be made again. */
async function shareNetwork(host: Host, plans: readonly PodPlan[]): Promise<void> {
  if (!plans.some(plan => plan.network.mode === 'bridge')) return
  using _lock = await host.lock()
  await host.network.prepare()
  await host.network.publish()
}

/** Marks the pods of objects that are gone, and those that a dead command was making. */
function collectGarbage(host: Host, app: string): string[] {
  const objects = host.state.objects({ app, made: true })
  const garbage = host.state.pods({ app }).filter(pod => isGarbage(host, pod, objects))
  for (const { uid } of garbage) beginRemoval(host, uid)
  return garbage.map(({ uid }) => uid)
}

function isGarbage(host: Host, pod: PodRecord, objects: readonly ObjectRecord[]): boolean {
  if (pod.removing) return false
  return isAbandoned(host, pod) || (pod.plan.owner !== undefined && !hasOwner(pod.plan, objects))
}

/**
 * Brings up pods that a step has recorded, as far as that needs no pull. What can't be done is left to the supervisor,
 * and postStart hooks are, too. The caller still holds the app's claim: until a pod is complete, it is the caller's.
 */
export async function bringUpCreated(run: Run, app: string, uids: readonly string[]): Promise<void> {
  const { state, backoff, runtime } = run.host
  const lacking = (pod: ObservedPod) => heldImages(run.host, pod)
  if (uids.length > 0) await runtime.prepare().catch(() => {})
  await Promise.all(
    uids.map(async uid => {
      const record = state.pod(uid)
      const care = record && { onFailure: tolerate(run, record), held: lacking, leavesHooks: true }
      if (record) await keepUp(run, record, backoff, care).catch(() => {})
      state.markBuilt(app, uid)
    }),
  )
}

/** Whether a step would change anything, records included. */
export function isStepDue(host: Host, app: string): boolean {
  const view = viewApp(host, app)
  const isNews = ({ object, decision }: WorkloadDecision) =>
    hasMoves(decision) || canonicalJson(nextProgress(object, decision)) !== canonicalJson(object.progress)
  return view.pods.some(pod => isGarbage(host, pod, view.objects)) || view.decisions().some(isNews)
}
