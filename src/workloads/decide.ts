/**
 * The controllers: what is to be done now for one recorded object. Pure; the driver carries it out, and asks again until
 * nothing is left to do. Source: Kubernetes' kube-controller-manager.
 */
import { hashOf } from '../plan/canonical.ts'
import { decideCronJob } from './cron-job.ts'
import { decideDaemonSet } from './daemon-set.ts'
import { decideDeployment } from './deployment.ts'
import { decideJob } from './job.ts'
import { decideReplicaSet } from './replica-set.ts'
import { decideStatefulSet } from './stateful-set.ts'
import type { Decision, Progress, WorkloadInput, WorkloadPod, WorkloadRecord } from './types.ts'

type Controller = (input: WorkloadInput) => Decision

/** In the order in which they are asked: who makes objects comes before who makes pods of them. */
const CONTROLLERS: Readonly<Record<string, Controller>> = {
  Deployment: decideDeployment,
  CronJob: decideCronJob,
  ReplicaSet: decideReplicaSet,
  ReplicationController: decideReplicaSet,
  StatefulSet: decideStatefulSet,
  DaemonSet: decideDaemonSet,
  Job: decideJob,
}

/** Kinds that have a controller. */
export const WORKLOAD_KINDS: readonly string[] = Object.keys(CONTROLLERS)

/** Whether a controller looks after objects of this kind, or they are what one remembers. */
export function isWorkload(kind: string): boolean {
  return kind in CONTROLLERS
}

/** Fails for a kind that has no controller. */
export function decideWorkload(input: WorkloadInput): Decision {
  return CONTROLLERS[input.object.kind]!(input)
}

/** Kinds whose status tells which generation it is of. */
export const OBSERVING: ReadonlySet<string> = new Set([
  'Deployment',
  'ReplicaSet',
  'ReplicationController',
  'StatefulSet',
  'DaemonSet',
])

/** What to remember of the object after its decision was carried out. */
export function nextProgress(object: WorkloadRecord, { status, memory }: Decision): Progress {
  const generation = generationOf(object)
  return {
    generation,
    specHash: specHash(object),
    status: OBSERVING.has(object.kind) ? { ...status, observedGeneration: generation } : status,
    ...(memory === undefined ? {} : { memory }),
  }
}

/** How often the object's spec was changed, and once more for its making. */
export function generationOf(object: WorkloadRecord): number {
  const { progress } = object
  if (!progress) return 1
  return progress.specHash === specHash(object) ? progress.generation : progress.generation + 1
}

/** The generation that its controller has seen. */
export function observedGeneration(object: WorkloadRecord): number {
  return object.progress?.generation ?? 1
}

function specHash({ value }: WorkloadRecord): string {
  return hashOf((value as { readonly spec?: object }).spec ?? {})
}

/** The pods that the object made, itself or by way of what it made. */
export function podsOfWorkload<P extends WorkloadPod>(
  object: Pick<WorkloadRecord, 'kind' | 'name' | 'namespace'>,
  children: readonly Pick<WorkloadRecord, 'kind' | 'name'>[],
  pods: readonly P[],
): readonly P[] {
  const makers = [object, ...children].map(({ kind, name }) => `${kind}/${name}`)
  // A Deployment's pods are there before their ReplicaSet is written down.
  const implied = object.kind === 'Deployment' ? `ReplicaSet/${object.name}-` : undefined
  return pods.filter(({ metadata }) => {
    if (metadata.namespace !== object.namespace) return false
    return metadata.ownerReferences?.some(owner => {
      const name = `${owner.kind}/${owner.name}`
      const hash = metadata.labels?.['pod-template-hash']
      return makers.includes(name) || (implied !== undefined && name === `${implied}${hash}`)
    })
  })
}
