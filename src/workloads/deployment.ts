/** Moves a Deployment's pods from one template to the next. Source: k8s.io/kubernetes pkg/controller/deployment. */
import type { V1Deployment, V1ReplicaSet } from '@kubernetes/client-node'
import { withDefaults } from '../manifest/defaults.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { canonicalJson } from '../plan/canonical.ts'
import { normal } from './conditions.ts'
import { scaleDeployment } from './deployment-scale.ts'
import {
  type DeploymentSpec,
  limitsOf,
  newSet,
  readSets,
  recordOf,
  revisionOf,
  type SetState,
  type Sets,
  wantedAtScale,
  withRevision,
} from './deployment-sets.ts'
import { deploymentStatus } from './deployment-status.ts'
import { isFailed, isSucceeded, nextAvailableMs } from './pods.ts'
import { type Decision, NOTHING, type WorkloadEvent, type WorkloadInput, type WorkloadRecord } from './types.ts'

export function deploymentSpec(object: WorkloadRecord): DeploymentSpec {
  return (withDefaults(object.value as KubernetesObject) as V1Deployment).spec!
}

/** One step: the pods themselves are the ReplicaSets' business. */
export function decideDeployment(input: WorkloadInput): Decision {
  const spec = deploymentSpec(input.object)
  const before = readSets(input, spec)
  const isNew = before.current === undefined
  const after = nextSets(input, spec, before)
  const { current, old } = after
  const status = deploymentStatus({ input, spec, sets: after, isNew })
  const all = [...old, ...(current ? [current] : [])]
  const kept = pruneHistory(after, spec, status.isComplete)
  const gone = new Set(old.filter(set => !kept.includes(set)).map(({ uid }) => uid))
  const put = all.filter(set => !gone.has(set.uid)).map(set => ({ set, child: recordOf(set, spec, input.object) }))
  const changed = put.filter(({ set, child }) => hasChanged(set.recorded, child.value as V1ReplicaSet))
  const pods = all.flatMap(set => set.pods)
  const wakeAtMs = [nextAvailableMs(pods, spec.minReadySeconds ?? 0, input.nowMs), status.deadlineMs].filter(
    at => at !== undefined,
  )
  return {
    ...NOTHING,
    putChildren: changed.map(({ child }) => child),
    removeChildren: [...gone],
    ...(wakeAtMs.length === 0 ? {} : { wakeAtMs: Math.min(...wakeAtMs) }),
    events: scalingEvents(changed.map(({ set }) => set)),
    status: status.status,
  }
}

function nextSets(input: WorkloadInput, spec: DeploymentSpec, sets: Sets): Sets {
  if (spec.paused) return scaleDeployment(spec, sets)
  if (isScaling(spec, sets)) return scaleDeployment(spec, sets)
  const rolled = spec.strategy?.type === 'Recreate' ? recreate(input, spec, sets) : roll(input, spec, sets)
  if (!rolled.current) return rolled
  return { ...rolled, current: withRevision(rolled.current, rolled.old, input.object) }
}

/** The wanted number of pods changed since the sets were scaled. */
function isScaling(spec: DeploymentSpec, { current, old }: Sets): boolean {
  const active = [...old, ...(current ? [current] : [])].filter(({ replicas }) => replicas > 0)
  return active.some(set => {
    const wanted = wantedAtScale(set)
    return wanted !== undefined && wanted !== (spec.replicas ?? 1)
  })
}

/** Up as far as the surge allows; when there is nothing to be gained there, down as far as availability allows. */
function roll(input: WorkloadInput, spec: DeploymentSpec, sets: Sets): Sets {
  const { surge, unavailable } = limitsOf(spec)
  const replicas = spec.replicas ?? 1
  const current = sets.current ?? newSet(input, spec)
  const total = current.replicas + sum(sets.old, set => set.replicas)
  // Pods that the first play made, before anything was recorded.
  const adopted = sets.current ? 0 : Math.min(current.counts.replicas, replicas)
  const room = Math.max(0, replicas + surge - total)
  const wanted = Math.max(adopted, Math.min(replicas, current.replicas + room))
  if (current.replicas !== wanted) return { ...sets, current: { ...current, replicas: wanted } }
  const minAvailable = replicas - unavailable
  const missing = current.replicas - current.counts.available
  const most = total - minAvailable - missing
  if (most <= 0 || sets.old.every(set => set.replicas === 0)) return { ...sets, current }
  const cleaned = dropUnhealthy(sets.old, most)
  const available = current.counts.available + sum(cleaned, set => Math.min(set.counts.available, set.replicas))
  return { current, old: scaleDown(cleaned, available - minAvailable) }
}

/** Pods that don't take requests anyway go first. */
function dropUnhealthy(old: readonly SetState[], most: number): readonly SetState[] {
  let left = most
  return old.map(set => {
    const unhealthy = Math.max(0, set.replicas - set.counts.available)
    const count = Math.min(left, unhealthy)
    left -= count
    return count > 0 ? { ...set, replicas: set.replicas - count } : set
  })
}

function scaleDown(old: readonly SetState[], most: number): readonly SetState[] {
  let left = Math.max(0, most)
  return old.map(set => {
    const count = Math.min(left, set.replicas)
    left -= count
    return count > 0 ? { ...set, replicas: set.replicas - count } : set
  })
}

/** All old pods end before the first new one is made. */
function recreate(input: WorkloadInput, spec: DeploymentSpec, sets: Sets): Sets {
  const current = sets.current ?? newSet(input, spec)
  if (sets.old.some(({ replicas }) => replicas > 0))
    return { ...sets, old: sets.old.map(set => ({ ...set, replicas: 0 })) }
  const leaving = sets.old.flatMap(set => set.pods).some(pod => !isFailed(pod) && !isSucceeded(pod))
  if (leaving) return sets
  return { ...sets, current: { ...current, replicas: spec.replicas ?? 1 } }
}

/** The old sets that stay: those with pods, and the newest of the others, as many as the history may hold. */
function pruneHistory({ old }: Sets, spec: DeploymentSpec, isComplete: boolean): readonly SetState[] {
  if (!isComplete && !spec.paused) return old
  const surplus = old.length - (spec.revisionHistoryLimit ?? 10)
  if (surplus <= 0) return old
  const oldest = old.toSorted((a, b) => revisionOf(a) - revisionOf(b)).slice(0, surplus)
  const candidates = oldest.filter(set => set.replicas === 0 && set.pods.length === 0)
  return old.filter(set => !candidates.includes(set))
}

function hasChanged(recorded: V1ReplicaSet | undefined, next: V1ReplicaSet): boolean {
  return recorded === undefined || canonicalJson(recorded) !== canonicalJson(next)
}

function scalingEvents(sets: readonly SetState[]): readonly WorkloadEvent[] {
  return sets.flatMap(({ name, replicas, recorded }) => {
    const from = recorded?.spec?.replicas ?? 0
    if (from === replicas) return []
    const direction = replicas > from ? 'up' : 'down'
    return [normal('ScalingReplicaSet', `Scaled ${direction} replica set ${name} from ${from} to ${replicas}`)]
  })
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
