/** A Deployment's ReplicaSets: one for each template it had, each with its revision and its number of pods. */
import type { V1Deployment, V1PodTemplateSpec, V1ReplicaSet } from '@kubernetes/client-node'
import { TEMPLATE_HASH } from '../plan/expand.ts'
import { templateHash, uuidOf } from '../plan/names.ts'
import { fenceposts } from './amounts.ts'
import { countPods, isOwnedBy, type ReplicaCounts } from './pods.ts'
import type { ChildObject, WorkloadInput, WorkloadPod, WorkloadRecord } from './types.ts'

export const REVISION = 'deployment.kubernetes.io/revision'
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history'
const DESIRED = 'deployment.kubernetes.io/desired-replicas'
const MAX = 'deployment.kubernetes.io/max-replicas'
const CHANGE_CAUSE = 'kubernetes.io/change-cause'
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

export type DeploymentSpec = NonNullable<V1Deployment['spec']>

/** One ReplicaSet, with what its pods are now. */
export interface SetState {
  readonly name: string
  readonly uid: string
  readonly createdAtMs: number
  readonly template: V1PodTemplateSpec
  /** How many pods it is to have. */
  readonly replicas: number
  readonly annotations: Readonly<Record<string, string>>
  readonly pods: readonly WorkloadPod[]
  readonly counts: ReplicaCounts
  /** As it is recorded; absent for one that is new. */
  readonly recorded?: V1ReplicaSet
}

export interface Sets {
  /** Of the present template; absent while there is none. */
  readonly current?: SetState
  /** Oldest first. */
  readonly old: readonly SetState[]
}

export function readSets(input: WorkloadInput, spec: DeploymentSpec): Sets {
  const currentName = `${input.object.name}-${templateHash(spec.template)}`
  const sets = input.children
    .filter(({ kind }) => kind === 'ReplicaSet')
    .map(child => readSet(child, input, spec))
    .toSorted((a, b) => a.createdAtMs - b.createdAtMs || revisionOf(a) - revisionOf(b))
  const current = sets.find(({ name }) => name === currentName)
  return { ...(current ? { current } : {}), old: sets.filter(set => set !== current) }
}

function readSet(child: WorkloadRecord, input: WorkloadInput, spec: DeploymentSpec): SetState {
  const value = child.value as V1ReplicaSet
  const pods = input.pods.filter(pod => isOwnedBy(pod, 'ReplicaSet', child.name))
  return {
    name: child.name,
    uid: child.uid,
    createdAtMs: Date.parse(child.createdAt),
    template: value.spec?.template ?? spec.template,
    replicas: value.spec?.replicas ?? 0,
    annotations: value.metadata?.annotations ?? {},
    pods,
    counts: countPods(pods, spec.minReadySeconds ?? 0, input.nowMs),
    recorded: value,
  }
}

/** Makes the ReplicaSet of the present template; pods that are there already are its own. */
export function newSet(input: WorkloadInput, spec: DeploymentSpec): SetState {
  const { object, nowMs } = input
  const name = `${object.name}-${templateHash(spec.template)}`
  const pods = input.pods.filter(pod => isOwnedBy(pod, 'ReplicaSet', name))
  return {
    name,
    uid: uuidOf(['ReplicaSet', object.namespace, name]),
    createdAtMs: nowMs,
    template: spec.template,
    replicas: 0,
    annotations: {},
    pods,
    counts: countPods(pods, spec.minReadySeconds ?? 0, nowMs),
  }
}

export function revisionOf(set: Pick<SetState, 'annotations'>): number {
  return Number(set.annotations[REVISION] ?? 0)
}

/** The present set gets the highest revision, also when it is an old one that came back. */
export function withRevision(current: SetState, old: readonly SetState[], object: WorkloadRecord): SetState {
  const own = revisionOf(current)
  const highest = Math.max(0, ...old.map(revisionOf))
  const annotations = { ...current.annotations, ...copiedAnnotations(object) }
  if (own > highest) return { ...current, annotations }
  const history = [annotations[REVISION_HISTORY], own === 0 ? undefined : String(own)].filter(Boolean).join(',')
  return {
    ...current,
    annotations: {
      ...annotations,
      [REVISION]: String(highest + 1),
      ...(history === '' ? {} : { [REVISION_HISTORY]: history }),
    },
  }
}

/** A ReplicaSet has its Deployment's annotations, but for those that are bookkeeping. */
function copiedAnnotations(object: WorkloadRecord): Readonly<Record<string, string>> {
  const all = (object.value as V1Deployment).metadata?.annotations ?? {}
  return Object.fromEntries(
    Object.entries(all).filter(([key]) => key !== LAST_APPLIED && !key.startsWith('deployment.kubernetes.io/')),
  )
}

export function changeCause(set: Pick<SetState, 'annotations'>): string | undefined {
  return set.annotations[CHANGE_CAUSE]
}

export function wantedAtScale(set: SetState): number | undefined {
  const wanted = set.annotations[DESIRED]
  return wanted === undefined ? undefined : Number(wanted)
}

export function maxAtScale(set: SetState): number {
  return Number(set.annotations[MAX] ?? 0)
}

/** How far a rolling update may go above and below. */
export function limitsOf(spec: DeploymentSpec): { readonly surge: number; readonly unavailable: number } {
  const replicas = spec.replicas ?? 1
  if (spec.strategy?.type === 'Recreate') return { surge: 0, unavailable: 0 }
  const { maxSurge, maxUnavailable } = spec.strategy?.rollingUpdate ?? {}
  const limits = fenceposts(maxSurge, maxUnavailable, replicas)
  const unavailable = Math.min(limits.unavailable, replicas)
  // A port of the machine leads to one pod: the old one has to go before the new one can come.
  if (holdsHostPorts(spec)) return { surge: 0, unavailable: Math.max(1, unavailable) }
  return { surge: limits.surge, unavailable }
}

function holdsHostPorts({ template }: DeploymentSpec): boolean {
  const containers = [...(template.spec?.containers ?? []), ...(template.spec?.initContainers ?? [])]
  return containers.some(({ ports }) => ports?.some(({ hostPort }) => hostPort !== undefined && hostPort > 0))
}

/** The set as it is to be recorded: its number of pods and what it was scaled for. */
export function recordOf(set: SetState, spec: DeploymentSpec, object: WorkloadRecord): ChildObject {
  const hash = set.name.slice(object.name.length + 1)
  const labels = { ...set.template.metadata?.labels, [TEMPLATE_HASH]: hash }
  const replicas = spec.replicas ?? 1
  const value: V1ReplicaSet = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      annotations: {
        ...set.annotations,
        [DESIRED]: String(replicas),
        [MAX]: String(replicas + limitsOf(spec).surge),
      },
      labels,
      name: set.name,
      namespace: object.namespace,
      ownerReferences: [
        {
          apiVersion: object.apiVersion,
          blockOwnerDeletion: true,
          controller: true,
          kind: object.kind,
          name: object.name,
          uid: object.uid,
        },
      ],
    },
    spec: {
      ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
      replicas: set.replicas,
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [TEMPLATE_HASH]: hash } },
      template: { ...set.template, metadata: { ...set.template.metadata, labels } },
    },
  }
  return { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: set.name, uid: set.uid, value }
}
