/** One pod: a machine is one node. Source: k8s.io/kubernetes pkg/controller/daemon. */
import type { V1DaemonSet } from '@kubernetes/client-node'
import { withDefaults } from '../manifest/defaults.ts'
import type { KubernetesObject } from '../manifest/types.ts'
import { REVISION_HASH, templatePod } from '../plan/expand.ts'
import { generatedName, templateHash } from '../plan/names.ts'
import { scaled } from './amounts.ts'
import { normal, some } from './conditions.ts'
import { isActive, isAvailable, isFailed, isReady, isTerminating, nextAvailableMs } from './pods.ts'
import { syncRevisions } from './revisions.ts'
import { type Decision, NOTHING, type WorkloadInput, type WorkloadPod, type WorkloadRecord } from './types.ts'

type DaemonSetSpec = NonNullable<V1DaemonSet['spec']>

export function daemonSetSpec(object: WorkloadRecord): DaemonSetSpec {
  return (withDefaults(object.value as KubernetesObject) as V1DaemonSet).spec!
}

export function decideDaemonSet(input: WorkloadInput): Decision {
  const { object, pods, nowMs } = input
  const spec = daemonSetSpec(object)
  const hash = templateHash(spec.template)
  const live = new Set(pods.map(pod => `${object.name}-${pod.metadata.labels?.[REVISION_HASH]}`))
  const revisions = syncRevisions(input, spec.template, { limit: spec.revisionHistoryLimit ?? 10, live })
  const { make, remove } = nextMoves(input, spec, hash)
  const taken = new Set(pods.map(pod => pod.metadata.name))
  const name = generatedName(`${object.name}-`, [object.uid, nowMs], taken)
  const labels = { [REVISION_HASH]: hash }
  const create = make ? [templatePod({ object, template: spec.template, name, owner: object, labels })] : []
  const wakeAtMs = nextAvailableMs(pods.filter(isActive), spec.minReadySeconds ?? 0, nowMs)
  return {
    ...NOTHING,
    create,
    remove: remove.flatMap(pod => pod.metadata.uid ?? []),
    putChildren: revisions.put,
    removeChildren: revisions.remove,
    ...(wakeAtMs === undefined ? {} : { wakeAtMs }),
    events: [
      ...create.map(pod => normal('SuccessfulCreate', `Created pod: ${pod.name}`)),
      ...remove.map(pod => normal('SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)),
    ],
    status: statusOf(input, spec, hash),
  }
}

/** One that is still ending keeps its place, unless the update may go above one pod. */
function nextMoves({ pods, nowMs }: WorkloadInput, spec: DaemonSetSpec, hash: string) {
  const failed = pods.filter(pod => isFailed(pod) && !isTerminating(pod))
  const active = pods.filter(isActive)
  const isNew = (pod: WorkloadPod) => pod.metadata.labels?.[REVISION_HASH] === hash
  const fresh = active.filter(isNew)
  const old = active.filter(pod => !isNew(pod))
  const surge = scaled(spec.updateStrategy?.rollingUpdate?.maxSurge, 1, 'up')
  if (pods.length === failed.length) return { make: true, remove: failed }
  if (spec.updateStrategy?.type === 'OnDelete') {
    return { make: active.length === 0 && !pods.some(isTerminating), remove: [...failed, ...active.slice(1)] }
  }
  if (surge > 0) {
    const isReplaced = fresh.some(pod => isAvailable(pod, spec.minReadySeconds ?? 0, nowMs))
    // An old one that takes no requests is not missed.
    const spare = isReplaced ? old : old.filter(pod => fresh.length > 0 && !isReady(pod))
    return { make: fresh.length === 0, remove: [...failed, ...spare, ...fresh.slice(1)] }
  }
  return { make: active.length === 0 && !pods.some(isTerminating), remove: [...failed, ...old, ...fresh.slice(1)] }
}

function statusOf({ pods, nowMs }: WorkloadInput, spec: DaemonSetSpec, hash: string) {
  const active = pods.filter(isActive)
  const ready = active.some(isReady) ? 1 : 0
  const available = active.some(pod => isAvailable(pod, spec.minReadySeconds ?? 0, nowMs)) ? 1 : 0
  return {
    currentNumberScheduled: active.length > 0 ? 1 : 0,
    desiredNumberScheduled: 1,
    ...some('numberAvailable', available),
    numberMisscheduled: 0,
    numberReady: ready,
    ...some('numberUnavailable', 1 - available),
    ...some('updatedNumberScheduled', active.some(pod => pod.metadata.labels?.[REVISION_HASH] === hash) ? 1 : 0),
  }
}
