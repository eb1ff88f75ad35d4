/** A cluster in memory with a clock of its own, for tests of the controllers: what they decide is done at once. */
import type { KubernetesObject } from '../manifest/types.ts'
import type { PodSource } from '../plan/context.ts'
import { timeText } from './conditions.ts'
import { decideWorkload, isWorkload, nextProgress, podsOfWorkload, WORKLOAD_KINDS } from './decide.ts'
import type { Decision, WorkloadCondition, WorkloadPod, WorkloadRecord, WorkloadStatus } from './types.ts'

/** A whole second, so that times in statuses are exact. */
export const START_MS = Date.parse('2026-01-01T00:00:00Z')

export interface Cluster {
  /** Milliseconds since 1970. */
  nowMs: number
  /** Adds or changes an object and lets its controller begin. */
  apply(object: object): void
  /** Lets the controllers do all that can be done now. */
  settle(): void
  /** Moves the clock and settles. */
  pass(seconds: number): void
  pods(): readonly WorkloadPod[]
  /** Names, sorted. */
  names(): readonly string[]
  object(kind: string, name: string): WorkloadRecord
  objects(kind: string): readonly WorkloadRecord[]
  /** As its controller would write it now. */
  status(kind: string, name: string): StatusView
  /** What the controllers told, as `REASON: MESSAGE`. */
  readonly events: string[]
  /** Claims that were released. */
  readonly released: Set<string>
  /** The pod runs and is ready; without a name, all that were made. */
  ready(name?: string): void
  unready(name: string): void
  /** The pod's container ends for good. */
  exit(name: string, exitCode: number): void
  /** What was marked for removal is gone. */
  reap(): void
  /** Somebody takes a pod away. */
  remove(name: string): void
  lose(name: string): void
  /** When the controllers want to look again. */
  wakeAtMs(): number | undefined
}

/** A status whose fields a test knows. */
export interface StatusView extends WorkloadStatus {
  readonly conditions?: readonly WorkloadCondition[]
}

export interface ClusterOptions {
  /** Pods run and are ready, and removed ones are gone, as soon as that is decided. */
  readonly isInstant?: boolean
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

interface Pod {
  source: PodSource
  pod: WorkloadPod
}

export function cluster(options: ClusterOptions = {}): Cluster {
  const records = new Map<string, Writable<WorkloadRecord>>()
  const pods = new Map<string, Pod>()
  let serial = 0
  let wake: number | undefined

  const keyOf = (kind: string, name: string) => `${kind}/${name}`

  function decideAll(): readonly { record: Writable<WorkloadRecord>; decision: Decision }[] {
    const all = [...records.values()]
    return all
      .filter(({ kind }) => isWorkload(kind))
      .toSorted((a, b) => WORKLOAD_KINDS.indexOf(a.kind) - WORKLOAD_KINDS.indexOf(b.kind))
      .map(record => {
        const children = all.filter(({ owner }) => owner === record.uid)
        const seen = podsOfWorkload(
          record,
          children,
          [...pods.values()].map(({ pod }) => pod),
        )
        const limits = { initialMs: 10_000, maxMs: 600_000 }
        return {
          record,
          decision: decideWorkload({ object: record, children, pods: seen, nowMs: world.nowMs, limits }),
        }
      })
  }

  function carryOut(record: Writable<WorkloadRecord>, decision: Decision): void {
    for (const child of decision.putChildren) {
      const known = records.get(keyOf(child.kind, child.name))
      records.set(keyOf(child.kind, child.name), {
        ...child,
        namespace: record.namespace,
        owner: record.uid,
        createdAt: known?.createdAt ?? new Date(world.nowMs).toISOString(),
        ...(known?.progress ? { progress: known.progress } : {}),
      })
    }
    for (const uid of decision.removeChildren) forget(uid)
    for (const uid of decision.remove) mark(uid)
    for (const { claim } of decision.releaseClaims) world.released.add(claim)
    record.progress = nextProgress(record, decision)
    if (decision.removeSelf) forget(record.uid)
    for (const source of decision.create) make(source)
    world.events.push(...decision.events.map(({ reason, message }) => `${reason}: ${message}`))
  }

  function forget(uid: string): void {
    for (const [key, record] of records) if (record.uid === uid || record.owner === uid) records.delete(key)
    const left = new Set([...records.values()].map(({ kind, name }) => keyOf(kind, name)))
    for (const { source, pod } of pods.values())
      if (source.owner && !left.has(keyOf(source.owner.kind, source.owner.name))) mark(pod.metadata.uid!)
  }

  function mark(uid: string): void {
    const entry = [...pods.values()].find(({ pod }) => pod.metadata.uid === uid)
    if (!entry || entry.pod.metadata.deletionTimestamp !== undefined) return
    const metadata = { ...entry.pod.metadata, deletionTimestamp: timeText(world.nowMs) }
    entry.pod = { ...entry.pod, metadata }
  }

  function make(source: PodSource): void {
    if (pods.has(source.name)) throw new Error(`pod ${source.name} exists`)
    const metadata = source.pod.metadata as object as WorkloadPod['metadata']
    const uid = `pod-${serial++}`
    pods.set(source.name, {
      source,
      pod: {
        metadata: { ...metadata, uid, creationTimestamp: timeText(world.nowMs) },
        status: { phase: 'Pending', conditions: [{ type: 'Ready', status: 'False' }] },
      },
    })
  }

  function change(name: string, status: Partial<WorkloadPod['status']>): void {
    const entry = pods.get(name)!
    entry.pod = { ...entry.pod, status: { ...entry.pod.status, ...status } }
  }

  function readiness(status: 'True' | 'False') {
    return [{ type: 'Ready', status, lastTransitionTime: timeText(world.nowMs) }]
  }

  const world: Cluster = {
    nowMs: START_MS,
    events: [],
    released: new Set(),
    apply(object) {
      const { apiVersion, kind, metadata } = object as KubernetesObject
      const name = metadata.name!
      const old = records.get(keyOf(kind, name))
      records.set(keyOf(kind, name), {
        apiVersion,
        kind,
        namespace: 'default',
        name,
        uid: old?.uid ?? `uid-${serial++}`,
        createdAt: old?.createdAt ?? new Date(world.nowMs).toISOString(),
        value: object,
        ...(old?.progress ? { progress: old.progress } : {}),
      })
      world.settle()
    },
    settle() {
      for (let round = 0; round < 1000; round++) {
        const before = JSON.stringify([[...records], [...pods]])
        wake = undefined
        for (const { record } of decideAll()) {
          // Asked again: what was decided before may have changed it.
          const own = decideAll().find(other => other.record === record)
          if (!own) continue
          carryOut(record, own.decision)
          if (own.decision.wakeAtMs !== undefined)
            wake = Math.min(wake ?? Number.POSITIVE_INFINITY, own.decision.wakeAtMs)
        }
        if (options.isInstant) {
          world.reap()
          world.ready()
        }
        if (JSON.stringify([[...records], [...pods]]) === before) return
      }
      throw new Error('the controllers come to no end')
    },
    pass(seconds) {
      world.nowMs += seconds * 1000
      world.settle()
    },
    pods: () => [...pods.values()].map(({ pod }) => pod),
    names: () => [...pods.keys()].sort(),
    object: (kind, name) => records.get(keyOf(kind, name))!,
    objects: kind => [...records.values()].filter(record => record.kind === kind),
    status(kind, name) {
      const record = records.get(keyOf(kind, name))!
      return decideAll().find(other => other.record === record)!.decision.status
    },
    ready(name) {
      const names = name === undefined ? [...pods.keys()] : [name]
      for (const one of names) {
        const { pod } = pods.get(one)!
        if (pod.status.phase === 'Pending' || name !== undefined)
          change(one, { phase: 'Running', conditions: readiness('True') })
      }
    },
    unready: name => change(name, { conditions: readiness('False') }),
    exit(name, exitCode) {
      const terminated = { exitCode, finishedAt: timeText(world.nowMs) }
      const containers = pods.get(name)!.source.pod.spec!.containers
      change(name, {
        phase: exitCode === 0 ? 'Succeeded' : 'Failed',
        conditions: readiness('False'),
        containerStatuses: containers.map(container => ({
          name: container.name,
          restartCount: 0,
          state: { terminated },
        })),
      })
    },
    reap() {
      for (const [name, { pod }] of pods) if (pod.metadata.deletionTimestamp !== undefined) pods.delete(name)
    },
    remove: name => mark(pods.get(name)!.pod.metadata.uid!),
    lose(name) {
      const entry = pods.get(name)!
      entry.pod = { ...entry.pod, isLost: true }
    },
    wakeAtMs: () => wake,
  }
  return world
}

/** A pod template whose only difference is `version`. */
export function template(version = '1', spec: object = {}): object {
  return {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'main', image: 'busybox', env: [{ name: 'VERSION', value: version }] }], ...spec },
  }
}

/** A workload named `web`. */
export function workload(kind: string, spec: object): object {
  const apiVersion = kind === 'Job' || kind === 'CronJob' ? 'batch/v1' : 'apps/v1'
  const selector = kind === 'Job' || kind === 'CronJob' ? {} : { selector: { matchLabels: { app: 'web' } } }
  return { apiVersion, kind, metadata: { name: 'web', namespace: 'default' }, spec: { ...selector, ...spec } }
}
