/** A pod as an API server shows it: what was asked for, with defaults, and how it is. */
import type { V1Pod, V1PodSpec } from '@kubernetes/client-node'
import type { MemberRole } from '../plan/types.ts'
import { generationOf, podConditions, SANDBOX_CHANGED } from './conditions.ts'
import { containerStatus, type WireContainerStatus } from './container-status.ts'
import { type PodPhase, podPhase } from './phase.ts'
import { canonicalQuantities } from './quantities.ts'
import type { PodSnapshot } from './snapshot.ts'
import { jobUidLabels, type Wire, type WireMetadata, wireTime } from './wire.ts'

export interface PodObject {
  readonly apiVersion: 'v1'
  readonly kind: 'Pod'
  readonly metadata: WireMetadata
  readonly spec: NonNullable<Wire<V1Pod>['spec']>
  readonly status: NonNullable<Wire<V1Pod>['status']> & { readonly phase: PodPhase }
}

export function podObject(snapshot: PodSnapshot): PodObject {
  const { plan } = snapshot
  const spec = plan.pod.spec!
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadataOf(snapshot),
    spec: {
      ...canonicalQuantities(spec as unknown as PodObject['spec']),
      nodeName: snapshot.nodeName,
      ...admitted(spec),
    },
    status: statusOf(snapshot),
  }
}

/** What admission plugins of an API server fill in. Source: ServiceAccount and Priority admission. */
function admitted(spec: V1PodSpec): Partial<PodObject['spec']> {
  const account = spec.serviceAccountName || 'default'
  return {
    serviceAccount: account,
    serviceAccountName: account,
    ...(spec.priorityClassName
      ? {}
      : { preemptionPolicy: 'PreemptLowerPriority', priority: 0, ...givenPriority(spec) }),
  }
}

function givenPriority({ preemptionPolicy, priority }: V1PodSpec): Partial<PodObject['spec']> {
  return {
    ...(preemptionPolicy === undefined ? {} : { preemptionPolicy }),
    ...(priority === undefined ? {} : { priority }),
  }
}

function metadataOf(snapshot: PodSnapshot): WireMetadata {
  const { plan, ownerUid } = snapshot
  const given = plan.pod.metadata as unknown as WireMetadata
  const owners = given.ownerReferences?.map(owner =>
    ownerUid !== undefined && owner.kind === plan.owner?.kind ? { ...owner, uid: ownerUid } : owner,
  )
  return {
    ...given,
    creationTimestamp: wireTime(snapshot.createdAt),
    // When a removal began is not recorded: that it did is what matters.
    ...(snapshot.removing
      ? {
          deletionGracePeriodSeconds: plan.terminationGracePeriodSeconds,
          deletionTimestamp: wireTime(snapshot.createdAt),
        }
      : {}),
    generation: generationOf(snapshot),
    ...(ownerUid !== undefined && plan.owner?.kind === 'Job'
      ? { labels: { ...given.labels, ...jobUidLabels(ownerUid) } }
      : {}),
    name: plan.name,
    namespace: plan.namespace,
    ...(owners === undefined ? {} : { ownerReferences: owners }),
    uid: snapshot.uid,
  }
}

function statusOf(snapshot: PodSnapshot): PodObject['status'] {
  const { plan, podIps, hostIps } = snapshot
  const of = (...roles: readonly MemberRole[]) => plan.members.filter(({ role }) => roles.includes(role))
  const hasInit = of('init', 'sidecar').length > 0
  const statuses: Record<string, WireContainerStatus> = {}
  for (const member of plan.members) {
    statuses[member.name] = containerStatus(member, snapshot.containers[member.name], hasInit)
  }
  const phase = phaseOf(snapshot, statuses)
  const init = of('init', 'sidecar').map(member => statuses[member.name]!)
  const ephemeral = of('ephemeral').map(member => statuses[member.name]!)
  // The kubelet sorts these by name, and keeps the init containers in their order.
  const main = of('main')
    .map(member => statuses[member.name]!)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return {
    conditions: podConditions(snapshot, phase, statuses),
    containerStatuses: main,
    ...(hostIps[0] === undefined ? {} : { hostIP: hostIps[0], hostIPs: hostIps.map(ip => ({ ip })) }),
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    observedGeneration: generationOf(snapshot),
    phase,
    ...((snapshot.sandboxReady || snapshot.ended) && podIps[0] !== undefined
      ? { podIP: podIps[0], podIPs: podIps.map(ip => ({ ip })) }
      : {}),
    qosClass: plan.qosClass,
    ...(snapshot.failure ?? (snapshot.sandboxLost ? SANDBOX_CHANGED : pauseOf(snapshot))),
    startTime: wireTime(snapshot.createdAt),
  }
}

/** One that was stopped has neither failed nor succeeded, whatever its containers' last status. */
function phaseOf(
  { plan, failure, stopped }: PodSnapshot,
  statuses: Readonly<Record<string, WireContainerStatus>>,
): PodPhase {
  if (failure) return 'Failed'
  const pod = stopped ? { spec: { ...plan.pod.spec!, restartPolicy: 'Always' } } : plan.pod
  return podPhase(pod, plan.members, statuses)
}

/** Kubernetes has no words for this: `Stopped`, or `Created` before the first start. */
function pauseOf({ stopped, plan, containers }: PodSnapshot): { readonly reason?: string; readonly message?: string } {
  if (!stopped) return {}
  const hasRun = Object.values(containers).some(({ startedAt, previous }) => startedAt !== undefined || previous)
  return { reason: hasRun ? 'Stopped' : 'Created', message: `\`kube start ${plan.name}\` starts it` }
}
