/** Which pods a play makes itself, and which are the business of controllers that are at work already. */
import type { PodPlan } from '../plan/types.ts'
import { podKey } from '../reconcile/decide.ts'
import { isWorkload } from '../workloads/decide.ts'
import {
  firstPods,
  isContinued,
  isOver,
  leavesPaused,
  leavesReplicas,
  withPaused,
  withReplicas,
  withRestart,
} from '../workloads/replay.ts'
import { observePod } from './observe.ts'
import type { Host, ObjectOrigin, ObjectRecord, PodRecord } from './ports.ts'

type NewObject = Pick<ObjectRecord, 'kind' | 'namespace' | 'name' | 'value'>

export interface HandoverRequest {
  readonly objects: readonly NewObject[]
  readonly plans: readonly PodPlan[]
  /** Nothing goes on as it was. */
  readonly replace: boolean
  /** What the app's manifests said before. */
  readonly previous: readonly ObjectRecord[]
  /** The app's pods. */
  readonly before: readonly PodRecord[]
}

export interface Handover {
  /** Pods that the play itself makes, keeps or replaces. */
  readonly plans: readonly PodPlan[]
  readonly pods: readonly PodRecord[]
  /** Pods that stay until their controller decides. */
  readonly kept: readonly PodRecord[]
  /** Pods as the controllers will make them: only their images are needed now. */
  readonly later: readonly PodPlan[]
  /** Objects whose controllers begin anew: what was remembered of them no longer holds. */
  readonly renewed: ReadonlySet<string>
}

export function handOver(host: Host, { objects, plans, replace, previous, before }: HandoverRequest): Handover {
  const old = new Map(previous.map(object => [keyOf(object), object]))
  const continued = new Set<string>()
  const renewed = new Set<string>()
  for (const object of objects) {
    const known = old.get(keyOf(object))
    if (!known || !isWorkload(object.kind)) continue
    if (replace || !isContinued(known.value, object.value)) renewed.add(keyOf(object))
    else if (isOver(known.progress) || hasPods(host, object, before)) continued.add(keyOf(object))
  }
  const isHandedOver = ({ owner, namespace }: PodPlan) =>
    owner !== undefined && continued.has(keyOf({ ...owner, namespace }))
  // What a CronJob's jobs made, they keep.
  const jobs = new Set(
    host.state
      .objects({ made: true })
      .filter(({ kind, owner }) => kind === 'Job' && owner !== undefined)
      .map(keyOf),
  )
  const isOfJob = ({ owner, namespace }: PodPlan) => owner !== undefined && jobs.has(keyOf({ ...owner, namespace }))
  const kept = before.filter(({ plan }) => isHandedOver(plan) || isOfJob(plan))
  return {
    plans: inOrder(
      plans.filter(plan => !isHandedOver(plan)),
      objects,
    ),
    pods: before.filter(record => !kept.includes(record)),
    kept,
    later: plans.filter(isHandedOver),
    renewed,
  }
}

/** Whether the workload has a pod that is there to stay. One without any begins as it would the first time. */
function hasPods(host: Host, object: NewObject, before: readonly PodRecord[]): boolean {
  return before.some(
    record =>
      record.plan.owner?.kind === object.kind &&
      record.plan.owner.name === object.name &&
      record.plan.namespace === object.namespace &&
      !record.removing &&
      observePod(host, record).infra !== 'dead',
  )
}

/** Of a StatefulSet whose pods wait for each other, the first. */
function inOrder(plans: readonly PodPlan[], objects: readonly NewObject[]): readonly PodPlan[] {
  const single = new Set(objects.filter(({ value }) => firstPods(value) === 'one').map(keyOf))
  if (single.size === 0) return plans
  const seen = new Set<string>()
  return plans.filter(({ owner, namespace }) => {
    const key = owner && keyOf({ ...owner, namespace })
    if (key === undefined || !single.has(key)) return true
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

/** For each pod the one that must be up before it: its predecessor in a StatefulSet. */
export function predecessors(
  records: readonly PodRecord[],
  objects: readonly NewObject[],
): ReadonlyMap<string, string> {
  const ordered = new Set(objects.filter(({ value }) => firstPods(value) === 'in order').map(keyOf))
  const last = new Map<string, string>()
  const before = new Map<string, string>()
  for (const { uid, plan } of records) {
    const key = plan.owner && keyOf({ ...plan.owner, namespace: plan.namespace })
    if (key === undefined || !ordered.has(key)) continue
    const predecessor = last.get(key)
    if (predecessor !== undefined) before.set(uid, predecessor)
    last.set(key, uid)
  }
  return before
}

/** What of the old object the new one keeps though no manifest says it. Source: kubectl apply's three-way merge. */
export function carryOver<T extends object>(next: T, old: Pick<ObjectRecord, 'value' | 'origin'> | undefined): T {
  if (!old) return next
  const restarted = withRestart(next, old.value)
  const scaled = old.origin?.leavesReplicas ? withReplicas(restarted, old.value) : restarted
  return old.origin?.leavesPaused ? withPaused(scaled, old.value) : scaled
}

/** The object's origin with what its manifest does not say, where that matters to `carryOver`. */
export function leftToOthers({ value, origin }: Pick<ObjectRecord, 'value' | 'origin'>): Pick<ObjectRecord, 'origin'> {
  const left: Pick<ObjectOrigin, 'leavesReplicas' | 'leavesPaused'> = {
    ...(leavesReplicas(value) ? { leavesReplicas: true } : {}),
    ...(leavesPaused(value) ? { leavesPaused: true } : {}),
  }
  return Object.keys(left).length === 0 ? {} : { origin: { ...origin, ...left } }
}

export function keyOf(object: { readonly kind: string; readonly namespace: string; readonly name: string }): string {
  return `${object.kind}/${podKey(object)}`
}
