/** How far an app is: ready, complete, over, or failed. Pure. */
import type { PodObject } from '../status/pod-object.ts'
import type { WireObject } from '../status/wire.ts'
import { findValues } from './jsonpath.ts'

export interface AppView {
  /** Those that are not being taken away. */
  readonly pods: readonly PodObject[]
  /** Objects of the app, of every kind, with their status. */
  readonly objects: readonly WireObject[]
}

export interface AppProgress {
  /** What is not ready yet: `pod/web`. */
  readonly unready: readonly string[]
  /** Jobs and run-once pods that are not done yet. */
  readonly incomplete: readonly string[]
  /** What failed for good. */
  readonly failed: readonly string[]
  /** Nothing runs any more, and nothing will. */
  readonly isOver: boolean
}

/** Kinds that want so many pods ready, by where they say so. */
const SCALED: Readonly<Record<string, { readonly wanted: string; readonly ready: string }>> = {
  Deployment: { wanted: 'spec.replicas', ready: 'status.readyReplicas' },
  ReplicaSet: { wanted: 'spec.replicas', ready: 'status.readyReplicas' },
  StatefulSet: { wanted: 'spec.replicas', ready: 'status.readyReplicas' },
  DaemonSet: { wanted: 'status.desiredNumberScheduled', ready: 'status.numberReady' },
}

export function appProgress({ pods, objects }: AppView): AppProgress {
  const unready: string[] = []
  const incomplete: string[] = []
  const failed: string[] = []
  let isOver = true
  for (const object of objects) {
    const name = nameOf(object)
    const scaled = SCALED[object.kind]
    if (scaled) {
      const wanted = numberAt(object, scaled.wanted, 1)
      if (numberAt(object, scaled.ready, 0) < wanted) unready.push(name)
      if (wanted > 0) isOver = false
    } else if (object.kind === 'CronJob') isOver = false
    else if (object.kind === 'Job') {
      if (hasCondition(object, 'Failed')) failed.push(name)
      else if (!hasCondition(object, 'Complete')) {
        incomplete.push(name)
        isOver = false
        if (numberAt(object, 'status.ready', 0) + numberAt(object, 'status.succeeded', 0) === 0) unready.push(name)
      }
    }
  }
  for (const pod of pods) {
    const { phase } = pod.status
    const isOwned = pod.metadata.ownerReferences?.some(({ controller }) => controller) === true
    if (phase === 'Succeeded') continue
    if (phase === 'Failed') {
      if (!isOwned) failed.push(nameOf(pod))
      continue
    }
    isOver = false
    const ofJob = pod.metadata.ownerReferences?.some(({ kind }) => kind === 'Job') === true
    if (!hasCondition(pod, 'Ready') && !ofJob) unready.push(nameOf(pod))
    if (!isOwned && (pod.spec.restartPolicy ?? 'Always') !== 'Always') incomplete.push(nameOf(pod))
  }
  return { unready, incomplete, failed, isOver }
}

function nameOf({ kind, metadata }: Pick<WireObject, 'kind' | 'metadata'>): string {
  return `${kind.toLowerCase()}/${metadata.name}`
}

function numberAt(object: object, path: string, missing: number): number {
  const [value] = findValues(path, object)
  return typeof value === 'number' ? value : missing
}

function hasCondition(object: object, type: string): boolean {
  const conditions = findValues('status.conditions[*]', object) as readonly Record<string, unknown>[]
  return conditions.some(condition => condition.type === type && condition.status === 'True')
}
