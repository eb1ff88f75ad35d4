/** Pods with names of their own, in their order. Source: k8s.io/kubernetes pkg/controller/statefulset. */
import type { V1StatefulSet, V1StatefulSetSpec } from '@kubernetes/client-node'
import { withDefaults } from '../manifest/defaults.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { ordinalClaims, REVISION_HASH, statefulPod } from '../plan/expand.ts'
import { scaled } from './amounts.ts'
import { normal, some } from './conditions.ts'
import {
  countPods,
  isActive,
  isAvailable,
  isFailed,
  isReady,
  isSucceeded,
  isTerminating,
  nextAvailableMs,
} from './pods.ts'
import { readRevisions, syncRevisions } from './revisions.ts'
import {
  type ClaimName,
  type Decision,
  NOTHING,
  type WorkloadInput,
  type WorkloadPod,
  type WorkloadRecord,
} from './types.ts'

export function statefulSetSpec(object: WorkloadRecord): V1StatefulSetSpec {
  return (withDefaults(object.value as KubernetesObject) as V1StatefulSet).spec!
}

interface Moves {
  readonly create: readonly number[]
  readonly remove: readonly WorkloadPod[]
}

const WAIT: Moves = { create: [], remove: [] }

/** One step. With `OrderedReady` it is one pod at a time, each when those before it are ready. */
export function decideStatefulSet(input: WorkloadInput): Decision {
  const { object, pods, nowMs } = input
  const spec = statefulSetSpec(object)
  const live = new Set(pods.map(revisionOf).filter(name => name !== undefined))
  const recorded = object.progress?.status.currentRevision as string | undefined
  const revisions = syncRevisions(input, spec.template, {
    limit: spec.revisionHistoryLimit ?? 10,
    live: recorded === undefined ? live : live.add(recorded),
  })
  const updateRevision = revisions.current.name
  const currentRevision = recorded ?? updateRevision
  const moves = nextMoves({ input, spec, updateRevision })
  const specs = { update: spec, current: currentSpec(input, spec, currentRevision) }
  const chosen = moves.create.map(ordinal => ({
    ordinal,
    spec: isHeldBack(spec, ordinal) ? specs.current : specs.update,
  }))
  const create = chosen.map(({ ordinal, spec: own }) => statefulPod(object, own, ordinal))
  const minReady = spec.minReadySeconds ?? 0
  const wakeAtMs = nextAvailableMs(pods.filter(isActive), minReady, nowMs)
  const told = (verb: string, name: string) => `${verb} Pod ${name} in StatefulSet ${object.name} successful`
  return {
    ...NOTHING,
    create,
    claims: chosen.flatMap(({ ordinal, spec: own }) => ordinalClaims(object, own, ordinal)),
    remove: moves.remove.flatMap(pod => pod.metadata.uid ?? []),
    releaseClaims: releasedClaims(input, spec, moves.remove),
    putChildren: revisions.put,
    removeChildren: revisions.remove,
    ...(wakeAtMs === undefined ? {} : { wakeAtMs }),
    events: [
      ...create.map(({ name }) => normal('SuccessfulCreate', told('create', name))),
      ...moves.remove.map(pod => normal('SuccessfulDelete', told('delete', pod.metadata.name))),
    ],
    status: statusOf(input, spec, { updateRevision, currentRevision }),
  }
}

/**
 * With `whenScaled: Delete`, those of pods that are too many and on their way out: told again until they are gone, because
 * whoever carries it out may be killed in between. Source: pkg/controller/statefulset, claimOwnerMatchesSetAndPod.
 */
function releasedClaims(
  input: WorkloadInput,
  spec: V1StatefulSetSpec,
  removed: readonly WorkloadPod[],
): readonly ClaimName[] {
  if (spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete') return []
  const { object } = input
  return slots(input, spec)
    .condemned.filter(pod => isTerminating(pod) || removed.includes(pod))
    .flatMap(pod => ordinalClaims(object, spec, ordinalOf(object.name, pod)))
    .map(({ metadata }) => ({ namespace: object.namespace, claim: metadata?.name ?? '' }))
}

interface MoveRequest {
  readonly input: WorkloadInput
  readonly spec: V1StatefulSetSpec
  readonly updateRevision: string
}

function nextMoves({ input, spec, updateRevision }: MoveRequest): Moves {
  const isOrdered = spec.podManagementPolicy !== 'Parallel'
  const { wanted, condemned } = slots(input, spec)
  const made = isOrdered ? makeInOrder(wanted, { input, spec, updateRevision }) : makeAll(wanted)
  if (made) return made
  const ended = isOrdered ? removeInOrder(condemned, wanted) : removeAll(condemned)
  if (ended) return ended
  if (spec.updateStrategy?.type === 'OnDelete') return WAIT
  return update({ input, spec, updateRevision })
}

interface Slot {
  readonly ordinal: number
  readonly pod: WorkloadPod | undefined
}

function slots({ object, pods }: WorkloadInput, spec: V1StatefulSetSpec) {
  const start = spec.ordinals?.start ?? 0
  const end = start + (spec.replicas ?? 1)
  const byOrdinal = new Map(pods.map(pod => [ordinalOf(object.name, pod), pod]))
  const wanted: Slot[] = []
  for (let ordinal = start; ordinal < end; ordinal++) wanted.push({ ordinal, pod: byOrdinal.get(ordinal) })
  const condemned = pods
    .map(pod => ({ pod, ordinal: ordinalOf(object.name, pod) }))
    .filter(({ ordinal }) => ordinal < start || ordinal >= end)
    .toSorted((a, b) => b.ordinal - a.ordinal)
    .map(({ pod }) => pod)
  return { wanted, condemned }
}

function makeInOrder(wanted: readonly Slot[], { input, spec, updateRevision }: MoveRequest): Moves | undefined {
  for (const { ordinal, pod } of wanted) {
    if (!pod) return { create: [ordinal], remove: [] }
    if (isTerminating(pod)) return WAIT
    if (isFailed(pod) || isSucceeded(pod)) return { create: [], remove: [pod] }
    if (isAvailable(pod, spec.minReadySeconds ?? 0, input.nowMs)) continue
    // One that may never be ready must not keep the template that mends it from coming: Kubernetes waits for it to be
    // deleted by hand, "Forced rollback" in its documentation.
    const isOutdated = !isReady(pod) && revisionOf(pod) !== updateRevision
    const isRolled = spec.updateStrategy?.type === 'RollingUpdate' && !isHeldBack(spec, ordinal)
    return isOutdated && isRolled ? { create: [], remove: [pod] } : WAIT
  }
  return undefined
}

function makeAll(wanted: readonly Slot[]): Moves | undefined {
  const create = wanted.filter(({ pod }) => !pod).map(({ ordinal }) => ordinal)
  const remove = wanted.flatMap(({ pod }) =>
    pod && !isTerminating(pod) && (isFailed(pod) || isSucceeded(pod)) ? [pod] : [],
  )
  return create.length + remove.length > 0 ? { create, remove } : undefined
}

/** The highest ordinal first, and only while all that stay are ready. */
function removeInOrder(condemned: readonly WorkloadPod[], wanted: readonly Slot[]): Moves | undefined {
  const [first] = condemned
  if (!first) return undefined
  if (isTerminating(first) || condemned.some(isTerminating)) return WAIT
  const unhealthy = wanted.find(({ pod }) => !pod || !isReady(pod))
  return unhealthy ? WAIT : { create: [], remove: [first] }
}

function removeAll(condemned: readonly WorkloadPod[]): Moves | undefined {
  const remove = condemned.filter(pod => !isTerminating(pod))
  return remove.length > 0 ? { create: [], remove } : undefined
}

/** From the highest ordinal down to the partition, as many at once as may be missing: one, unless it says more. */
function update({ input, spec, updateRevision }: MoveRequest): Moves {
  const { wanted } = slots(input, spec)
  const rolling = spec.updateStrategy?.rollingUpdate
  const replicas = spec.replicas ?? 1
  const most = rolling?.maxUnavailable === undefined ? 1 : Math.max(1, scaled(rolling.maxUnavailable, replicas, 'down'))
  const least = (spec.ordinals?.start ?? 0) + (rolling?.partition ?? 0)
  const isHealthy = (pod: WorkloadPod | undefined) =>
    pod !== undefined && !isTerminating(pod) && isAvailable(pod, spec.minReadySeconds ?? 0, input.nowMs)
  let unavailable = wanted.filter(({ pod }) => !isHealthy(pod)).length
  const remove: WorkloadPod[] = []
  for (const { ordinal, pod } of wanted.toReversed()) {
    if (ordinal < least || !pod || isTerminating(pod) || revisionOf(pod) === updateRevision) continue
    // One that is missing anyway costs nothing.
    if (isHealthy(pod)) {
      if (unavailable >= most) break
      unavailable++
    } else if (unavailable > most) continue
    remove.push(pod)
  }
  return { create: [], remove }
}

/** Below the partition pods keep the template that they had. */
function isHeldBack(spec: V1StatefulSetSpec, ordinal: number): boolean {
  if (spec.updateStrategy?.type !== 'RollingUpdate') return false
  return ordinal < (spec.ordinals?.start ?? 0) + (spec.updateStrategy.rollingUpdate?.partition ?? 0)
}

function currentSpec(input: WorkloadInput, spec: V1StatefulSetSpec, name: string): V1StatefulSetSpec {
  const known = readRevisions(input.children).find(revision => revision.name === name)
  return known ? { ...spec, template: known.template } : spec
}

interface Names {
  readonly updateRevision: string
  readonly currentRevision: string
}

function statusOf({ pods, nowMs }: WorkloadInput, spec: V1StatefulSetSpec, names: Names) {
  const minReady = spec.minReadySeconds ?? 0
  const present = pods.filter(pod => !pod.isLost)
  const counts = countPods(present, minReady, nowMs)
  const updated = present.filter(pod => !isTerminating(pod) && revisionOf(pod) === names.updateRevision)
  const wanted = spec.replicas ?? 1
  const isRolledOut =
    spec.updateStrategy?.type === 'RollingUpdate' &&
    updated.length === wanted &&
    counts.ready === wanted &&
    counts.replicas === wanted
  const currentRevision = isRolledOut ? names.updateRevision : names.currentRevision
  const current = present.filter(pod => !isTerminating(pod) && revisionOf(pod) === currentRevision)
  return {
    availableReplicas: counts.available,
    collisionCount: 0,
    ...some('currentReplicas', current.length),
    currentRevision,
    ...some('readyReplicas', counts.ready),
    replicas: counts.replicas,
    updateRevision: names.updateRevision,
    ...some('updatedReplicas', updated.length),
  }
}

function revisionOf(pod: WorkloadPod): string | undefined {
  return pod.metadata.labels?.[REVISION_HASH]
}

function ordinalOf(name: string, pod: WorkloadPod): number {
  return Number(pod.metadata.name.slice(name.length + 1))
}
