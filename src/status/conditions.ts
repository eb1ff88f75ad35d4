/** The pod's conditions. Source: kubelet's pkg/kubelet/status/generate.go. */
import type { V1PodCondition } from '@kubernetes/client-node'
import { afterExit, mayRestartAll } from '../plan/restart-policy.ts'
import type { WireContainerStatus } from './container-status.ts'
import { hasRun, type PodPhase } from './phase.ts'
import type { PodSnapshot } from './snapshot.ts'
import { type Wire, wireTime } from './wire.ts'

export type WireCondition = Wire<V1PodCondition>
type Statuses = Readonly<Record<string, WireContainerStatus>>

interface Answer {
  readonly status: 'True' | 'False'
  readonly reason?: string
  readonly message?: string
}

const YES: Answer = { status: 'True' }
/** Source of the words: kubelet, SyncPod. */
export const SANDBOX_CHANGED = {
  reason: 'SandboxChanged',
  message: 'Pod sandbox changed, it will be killed and re-created.',
}
/** No kubelet sets this time, and an API server writes one that is not set as null. */
const NEVER = null as unknown as string

export function podConditions(snapshot: PodSnapshot, phase: PodPhase, statuses: Statuses): readonly WireCondition[] {
  const created = wireTime(snapshot.createdAt)
  const initialized = initializedAnswer(snapshot, phase, statuses)
  const containersReady = containersReadyAnswer(snapshot, phase, statuses)
  const ready = readyAnswer(snapshot, containersReady)
  const changed = lastChange(snapshot, containersReady.status === 'True') ?? created
  const generation = generationOf(snapshot)
  const told = (type: string, answer: Answer, since: string) => condition(type, answer, since, generation)
  return [
    told('PodReadyToStartContainers', sandboxAnswer(snapshot, phase), isOver(phase) ? changed : created),
    told('Initialized', initialized, initTime(snapshot) ?? created),
    told('Ready', ready, ready.status === containersReady.status ? gatesSince(snapshot, changed) : changed),
    told('ContainersReady', containersReady, changed),
    told('PodScheduled', YES, created),
    ...allRestarting(snapshot, phase, statuses, created),
    ...(snapshot.conditions ?? []).map(outside => ({ lastProbeTime: NEVER, ...outside })),
  ]
}

/** Of a pod that one of its containers can have begin anew. Source: kubelet's GenerateAllContainersRestartingCondition. */
function allRestarting(
  { plan }: PodSnapshot,
  phase: PodPhase,
  statuses: Statuses,
  created: string,
): readonly WireCondition[] {
  if (!plan.members.some(mayRestartAll)) return []
  const base = {
    lastProbeTime: NEVER,
    lastTransitionTime: created,
    status: 'False',
    type: 'AllContainersRestarting',
  }
  if (phase === 'Succeeded') return [{ ...base, reason: 'PodCompleted' }]
  if (phase === 'Failed') return [{ ...base, reason: 'PodFailed' }]
  const policy = plan.pod.spec?.restartPolicy ?? 'Always'
  const source = plan.members.map(member => {
    const end = statuses[member.name]?.state?.terminated
    return end && afterExit(policy, member, end.exitCode) === 'restartAll' ? end.finishedAt : undefined
  })
  const since = source.find(time => time !== undefined)
  if (since === undefined) return [base]
  const message = 'container exited with restart policy rule'
  return [{ ...base, lastTransitionTime: since, message, reason: 'RestartAllContainersStarted', status: 'True' }]
}

/** What an API server counts up when the spec changes, and when a removal begins: each debug container is a change. */
export function generationOf({ plan, removing }: PodSnapshot): number {
  return 1 + plan.members.filter(({ role }) => role === 'ephemeral').length + (removing ? 1 : 0)
}

function condition(
  type: string,
  answer: Answer,
  lastTransitionTime: string,
  observedGeneration: number,
): WireCondition {
  const { status, reason, message } = answer
  return {
    lastProbeTime: NEVER,
    lastTransitionTime,
    ...(message === undefined ? {} : { message }),
    observedGeneration,
    ...(reason === undefined ? {} : { reason }),
    status,
    type,
  }
}

/** The sandbox of a pod that is over ends soon after it; nothing is started in it again. */
function sandboxAnswer({ sandboxReady }: PodSnapshot, phase: PodPhase): Answer {
  return sandboxReady && !isOver(phase) ? YES : { status: 'False' }
}

function isOver(phase: PodPhase): boolean {
  return phase === 'Succeeded' || phase === 'Failed'
}

function initializedAnswer({ plan }: PodSnapshot, phase: PodPhase, statuses: Statuses): Answer {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' }
  const missing = plan.members.filter(member => {
    const status = statuses[member.name]
    if (member.role === 'init') return status?.ready !== true
    return member.role === 'sidecar' && status?.started !== true && !status?.state?.terminated
  })
  // Once one of the others was started the pod stays initialized, whatever its sidecars do.
  if (missing.length === 0 || hasRun(plan.members, statuses)) return YES
  const message = `containers with incomplete status: [${missing.map(member => member.name).join(' ')}]`
  return { status: 'False', reason: 'ContainersNotInitialized', message }
}

function containersReadyAnswer({ plan, sandboxLost }: PodSnapshot, phase: PodPhase, statuses: Statuses): Answer {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' }
  if (sandboxLost) return { status: 'False', ...SANDBOX_CHANGED }
  const unready = plan.members.filter(
    ({ role, name }) => role !== 'init' && role !== 'ephemeral' && statuses[name]?.ready !== true,
  )
  if (unready.length === 0) return YES
  const message = `containers with unready status: [${unready.map(member => member.name).join(' ')}]`
  return { status: 'False', reason: 'ContainersNotReady', message }
}

/** A readiness gate is a condition that something outside sets: `kube patch`, for one. */
function readyAnswer({ plan, conditions = [] }: PodSnapshot, containersReady: Answer): Answer {
  const gates = plan.pod.spec?.readinessGates ?? []
  if (containersReady.status === 'False' || gates.length === 0) return containersReady
  const message = gates.flatMap(({ conditionType }) => {
    const set = conditions.find(({ type }) => type === conditionType)
    if (set?.status === 'True') return []
    return set
      ? [`the status of pod readiness gate "${conditionType}" is not "True", but ${set.status}`]
      : [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`]
  })
  if (message.length === 0) return containersReady
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: message.join(', ') }
}

/** A pod with gates is ready since the last of them was opened, at the earliest. */
function gatesSince({ plan, conditions = [] }: PodSnapshot, containersSince: string): string {
  const gates = plan.pod.spec?.readinessGates?.map(({ conditionType }) => conditionType) ?? []
  const times = conditions
    .filter(({ type }) => gates.includes(type))
    .map(({ lastTransitionTime }) => lastTransitionTime)
  return latest([...times, containersSince]) ?? containersSince
}

/** When the last init container ended. */
function initTime({ plan, containers }: PodSnapshot): string | undefined {
  const ends = plan.members
    .filter(member => member.role === 'init')
    .map(member => containers[member.name]?.end?.finishedAt)
    .filter(time => time !== undefined)
  return latest(ends)
}

/** When the containers became what they are: started or found ready for a ready pod, ended or found unready for another. */
function lastChange({ plan, containers }: PodSnapshot, ready: boolean): string | undefined {
  const times = plan.members
    .filter(member => member.role !== 'init')
    .flatMap(({ name }) => {
      const now = containers[name]
      const turned = now?.readyTurnedMs
      return [
        ready ? now?.startedAt : now?.end?.finishedAt,
        turned === undefined || now?.ready !== ready ? undefined : new Date(turned).toISOString(),
      ]
    })
    .filter(time => time !== undefined)
  return latest(times)
}

function latest(times: readonly string[]): string | undefined {
  if (times.length === 0) return undefined
  return wireTime(Math.max(...times.map(time => Date.parse(time))))
}
