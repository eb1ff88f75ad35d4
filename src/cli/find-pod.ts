/** The pod and the container that a command is about. */
import type { V1Service } from '@kubernetes/client-node'
import { KubeError } from '../diagnostic.ts'
import type { PodRecord } from '../engine/ports.ts'
import type { MemberPlan, MemberRole, PodPlan } from '../plan/types.ts'
import { labelFilter } from '../status/selector.ts'
import type { WireObject } from '../status/wire.ts'
import type { Io } from './context.ts'
import type { RealHost } from './host.ts'
import { notFound, requireKind, resourceKind } from './resources.ts'

/**
 * Pods by `POD`, `pod/POD`, `WORKLOAD/NAME` or `service/NAME`; a bare name may be a workload's where no pod has it. Never
 * empty: fails with code `NotFound`.
 */
export function findPods(host: RealHost, target: string, namespace: string): readonly PodRecord[] {
  host.lookAfterPods()
  const pods = host.state.pods().filter(({ plan }) => plan.namespace === namespace)
  const slash = target.indexOf('/')
  const kind = slash < 0 ? undefined : requireKind(target.slice(0, slash))
  const name = target.slice(slash + 1)
  const named = pods.filter(({ plan }) => plan.name === name && (kind === undefined || kind.kind === 'Pod'))
  if (named.length > 0) return named
  const owned = pods.filter(({ plan }) => isOwnedBy(plan, name, kind?.kind))
  if (owned.length > 0) return owned
  if (kind?.kind === 'Service') return podsOfService(host, name, namespace)
  throw withNames(notFound(kind ?? resourceKind('Pod'), name), host, namespace)
}

/** A Deployment's pods are those of its ReplicaSets too. */
function isOwnedBy({ owner, pod }: PodPlan, name: string, kind: string | undefined): boolean {
  if (owner?.name === name && (kind === undefined || owner.kind === kind)) return true
  const owners = pod.metadata?.ownerReferences ?? []
  return kind !== undefined && owners.some(reference => reference.kind === kind && reference.name === name)
}

/** Those that it selects. Fails with code `NotFound`. */
function podsOfService(host: RealHost, name: string, namespace: string): readonly PodRecord[] {
  const { spec } = findService(host, name, namespace)
  const wanted = Object.entries(spec?.selector ?? {})
  const pods = host.state.pods().filter(({ plan }) => {
    const labels = plan.pod.metadata?.labels ?? {}
    return plan.namespace === namespace && wanted.every(([key, value]) => labels[key] === value)
  })
  if (wanted.length > 0 && pods.length > 0) return pods
  throw new KubeError('NotFound', `service/${name} selects no pods in namespace ${namespace}`)
}

/** Fails with code `NotFound`. */
export function findService(host: RealHost, name: string, namespace: string): V1Service {
  const record = host.state.objects({ kind: 'Service', namespace }).find(object => object.name === name)
  if (!record) throw notFound(resourceKind('Service'), name)
  return record.value as V1Service
}

/** By the same names, or an app's: `app/NAME`, or `NAME` where nothing else has it. Fails with code `NotFound`. */
export function findPodsOrApp(host: RealHost, target: string, namespace: string): readonly PodRecord[] {
  const ofApp = (name: string) => {
    const pods = host.state.pods({ app: name })
    return host.state.app(name) === undefined ? undefined : pods
  }
  if (target.startsWith('app/')) {
    const pods = ofApp(target.slice(4))
    if (pods) return pods
    throw new KubeError('NotFound', `there is no app ${target.slice(4)}`)
  }
  try {
    return findPods(host, target, namespace)
  } catch (error) {
    const pods = target.includes('/') ? undefined : ofApp(target)
    if (pods) return pods
    throw error
  }
}

/** One of them, rather one that stays than one that goes, said on standard error where there are several, as kubectl does. */
export function findPod(host: RealHost, target: string, namespace: string, io: Io): PodRecord {
  const pods = findPods(host, target, namespace)
  const chosen = pods.find(({ removing, stopped, ended }) => !removing && !stopped && !ended) ?? pods[0]!
  if (pods.length > 1) io.err(`Found ${pods.length} pods, using pod/${chosen.plan.name}\n`)
  return chosen
}

/** Pods with these labels. */
export function selectPods(host: RealHost, selector: string, namespace: string): readonly PodRecord[] {
  host.lookAfterPods()
  const matches = labelFilter(selector)
  return host.state
    .pods()
    .filter(({ plan }) => plan.namespace === namespace && matches(plan.pod as unknown as WireObject))
}

function withNames(error: KubeError, host: RealHost, namespace: string): KubeError {
  const pods = host.state.pods().map(({ plan }) => plan)
  const here = pods.filter(plan => plan.namespace === namespace).map(plan => plan.name)
  const there = pods.filter(plan => plan.namespace !== namespace).map(plan => `${plan.namespace}/${plan.name}`)
  const shown = here.length > 0 ? `pods: ${here.slice(0, 20).join(', ')}` : 'nothing is played'
  const hint = here.length === 0 && there.length > 0 ? `in other namespaces: ${there.slice(0, 20).join(', ')}` : shown
  return new KubeError(error.code, error.message, { hint })
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container'

/** The one that is named, else the pod's default one: its annotation's, else the first, which is told. */
export function chooseContainer(plan: PodPlan, name: string | undefined, io: Io): MemberPlan {
  if (name !== undefined) return requireContainer(plan, name)
  const annotated = plan.pod.metadata?.annotations?.[DEFAULT_CONTAINER]
  const byAnnotation = annotated === undefined ? undefined : plan.members.find(member => member.name === annotated)
  if (byAnnotation) return byAnnotation
  const first = plan.members.find(member => member.role === 'main') ?? plan.members[0]!
  if (plan.members.length > 1) io.err(`Defaulted container "${first.name}" out of: ${containerNames(plan)}\n`)
  return first
}

/** Fails with code `NoSuchContainer`, naming those there are. */
export function requireContainer(plan: PodPlan, name: string): MemberPlan {
  const member = plan.members.find(candidate => candidate.name === name)
  if (member) return member
  throw new KubeError(
    'NoSuchContainer',
    `container ${name} not found in pod ${plan.name}; have: ${containerNames(plan)}`,
  )
}

/** `web, log, prep (init)`: the main ones first. */
function containerNames(plan: PodPlan): string {
  const of = (...roles: readonly MemberRole[]) =>
    plan.members.filter(({ role }) => roles.includes(role)).map(({ name }) => name)
  const init = of('init', 'sidecar').map(name => `${name} (init)`)
  return [...of('main'), ...init, ...of('ephemeral').map(name => `${name} (ephem)`)].join(', ')
}
