/** What controllers look at: the recorded objects of one app and its pods as they are now. */
import { podObject } from '../status/pod-object.ts'
import { decideWorkload, isWorkload, podsOfWorkload, WORKLOAD_KINDS } from '../workloads/decide.ts'
import type { Decision, WorkloadPod } from '../workloads/types.ts'
import { observePod } from './observe.ts'
import type { Host, ObjectRecord, PodRecord } from './ports.ts'
import { snapshotPod } from './snapshot.ts'

export interface WorkloadDecision {
  readonly object: ObjectRecord
  readonly decision: Decision
}

/** A picture of an app that can be asked again after something was changed. */
export interface AppView {
  readonly objects: readonly ObjectRecord[]
  readonly pods: readonly PodRecord[]
  /** In the order in which controllers are asked. */
  decisions(): readonly WorkloadDecision[]
}

/**
 * Its namespaces are gone for good: by a reboot, or of a pod that is not to begin anew. Any other gets new ones and stays the
 * pod that it is, with its volumes; see `decideNewSandbox`. While its infra container is being started, nothing is recorded of
 * that yet.
 */
function isLost(host: Host, record: PodRecord): boolean {
  const { infra, plan } = record
  if (infra === undefined || observePod(host, record).infra !== 'dead') return false
  return host.runtime.hasRebooted(infra) || plan.pod.spec?.restartPolicy === 'Never'
}

/** A pod that a dead process was making. */
export function isAbandoned(host: Host, { builder }: PodRecord): boolean {
  return builder !== undefined && !host.runtime.isAlive(builder)
}

/** Pods by uid and by what is recorded of them: a look at the machine costs more than one at the records. */
export type PodCache = Map<string, { readonly removing: boolean; readonly pod: WorkloadPod }>

export function viewApp(host: Host, app: string, cache: PodCache = new Map()): AppView {
  const objects = host.state.objects({ app, made: true })
  const workloads = objects
    .filter(({ kind }) => isWorkload(kind))
    .toSorted((a, b) => WORKLOAD_KINDS.indexOf(a.kind) - WORKLOAD_KINDS.indexOf(b.kind))
  const pods = workloads.length === 0 ? [] : host.state.pods({ app })
  const owned = pods.filter(({ plan }) => plan.owner !== undefined)
  return {
    objects,
    pods,
    decisions() {
      const seen = owned.map(record => look(host, record, cache))
      return workloads.map(object => ({ object, decision: decide(host, object, objects, seen) }))
    },
  }
}

function look(host: Host, record: PodRecord, cache: PodCache): WorkloadPod {
  const known = cache.get(record.uid)
  if (known?.removing === record.removing) return known.pod
  const pod = { ...podObject(snapshotPod(host, record)), ...(isLost(host, record) ? { isLost: true } : {}) }
  cache.set(record.uid, { removing: record.removing, pod })
  return pod
}

function decide(
  host: Host,
  object: ObjectRecord,
  objects: readonly ObjectRecord[],
  pods: readonly WorkloadPod[],
): Decision {
  const children = objects.filter(({ owner }) => owner === object.uid)
  const { initialMs, maxMs } = host.backoff
  return decideWorkload({
    object,
    children,
    pods: podsOfWorkload(object, children, pods),
    nowMs: Date.parse(host.now()),
    // A Job's longest wait is twice that of a container. Source: pkg/controller/job, MaxJobPodFailureBackOff.
    limits: { initialMs, maxMs: maxMs * 2 },
  })
}

/** Whether there is anything to be done for the app's objects, now or at some time. */
export function needsController(host: Host, app: string): boolean {
  // Looked for by kind: the other objects can be large, and are not read for this.
  if (!WORKLOAD_KINDS.some(kind => host.state.objects({ app, kind, made: true }).length > 0)) return false
  const view = viewApp(host, app)
  if (view.pods.some(pod => isEnding(pod, view.objects) || isAbandoned(host, pod))) return true
  return view.decisions().some(hasWork)
}

export function hasWork({ decision }: WorkloadDecision): boolean {
  return decision.wakeAtMs !== undefined || hasMoves(decision)
}

/** Something has to be changed right now. */
export function hasMoves({ create, remove, putChildren, removeChildren, removeSelf }: Decision): boolean {
  return removeSelf || create.length + remove.length + putChildren.length + removeChildren.length > 0
}

/** A pod that a controller takes away, as opposed to a command. */
export function isEnding({ removing, builder, plan }: PodRecord, objects: readonly ObjectRecord[]): boolean {
  return removing && builder === undefined && plan.owner !== undefined && hasOwner(plan, objects)
}

/** Whether the object that the pod was made for is there. */
export function hasOwner({ owner, namespace }: PodRecord['plan'], objects: readonly ObjectRecord[]): boolean {
  return objects.some(
    object => object.kind === owner?.kind && object.name === owner.name && object.namespace === namespace,
  )
}
